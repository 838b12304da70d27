import { Labels } from "@portcullis/contracts";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const text = (description: string) => Type.String({ minLength: 1, maxLength: 8_192, description });
const texts = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 8_192 }), { minItems: 1, description });
const textOrTexts = (description: string) =>
  Type.Union(
    [
      Type.String({ minLength: 1, maxLength: 8_192 }),
      Type.Array(Type.String({ minLength: 1, maxLength: 8_192 }), { minItems: 1 }),
    ],
    { description },
  );

const expires = text("When it ends: an ISO date (the start of that day, UTC) or a date and time with its zone.");

/** The methods that a scope can name. GET and HEAD need no naming. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] as const;

/** One rule: tools, and what they may and may not touch. */
export const Scope = Type.Object(
  {
    id: Type.Optional(text("A name for the scope in audits and refusals; by default its file and number.")),
    tool: textOrTexts("A tool, a pattern of tools such as fs.* or *, or a list of them."),
    allow: Type.Optional(texts("What the tools may touch: paths (/…, ~/…, @served/…, @NAME/…) and http(s) URLs.")),
    deny: Type.Optional(texts("What they may not touch, whatever any scope allows. `**/NAME` means anywhere.")),
    methods: Type.Optional(
      Type.Array(Type.Enum([...methods]), { minItems: 1, description: "HTTP methods allowed beside GET and HEAD." }),
    ),
    rate: Type.Optional(
      Type.Object(
        {
          perMinute: Type.Number({
            exclusiveMinimum: 0,
            maximum: 1_000_000,
            description: "Calls a minute, refilled evenly.",
          }),
          burst: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 1_000_000,
              description: "Calls at once; by default as many as perMinute.",
            }),
          ),
        },
        { ...closed, description: "A token bucket of this subject and tool." },
      ),
    ),
    redact: Type.Optional(
      Type.Object(
        { patterns: texts("Patterns in RE2 syntax; what they match is masked.") },
        { ...closed, description: "What to mask in answers, beside the built-in detectors." },
      ),
    ),
    maxBytes: Type.Optional(Type.Integer({ minimum: 1, description: "The most bytes that one answer may hold." })),
    purposes: Type.Optional(texts("The purposes that the scope serves; * stands for any text.")),
    expires: Type.Optional(expires),
    labels: Type.Optional(
      Type.Object(Labels.properties, { ...closed, description: "What the content is, for information flow." }),
    ),
    consent: Type.Optional(Type.Literal("ask", { description: "Ask the owner before each call." })),
    hardlinks: Type.Optional(Type.Literal("allow", { description: "Accept files that have more than one name." })),
  },
  { ...closed, title: "Scope" },
);
export type Scope = Static<typeof Scope>;

/** One document of a policy file. A file may hold several, separated by `---`. */
export const PolicyDocument = Type.Object(
  {
    subject: Type.Optional(
      textOrTexts("Who the scopes are for: owner, duck@home, *@home, *, group:NAME, or a list of them."),
    ),
    groups: Type.Optional(
      Type.Record(Type.String(), texts("The subjects of the group."), {
        description: "Groups of subjects, for every policy file to name as group:NAME.",
      }),
    ),
    description: Type.Optional(Type.String({ description: "What the document is for." })),
    expires: Type.Optional(expires),
    purpose: Type.Optional(
      Type.Enum(["required", "stated", "optional"], {
        description:
          "Whether a call needs a purpose: required (a client's default counts; this is the default), stated (in the call itself), optional.",
      }),
    ),
    scopes: Type.Optional(Type.Array(Scope, { minItems: 1, description: "What the subject may do." })),
  },
  {
    ...closed,
    title: "Portcullis policy",
    dependentRequired: { subject: ["scopes"], scopes: ["subject"], expires: ["subject"], purpose: ["subject"] },
    anyOf: [{ required: ["subject"] }, { required: ["groups"] }],
  },
);
export type PolicyDocument = Static<typeof PolicyDocument>;
