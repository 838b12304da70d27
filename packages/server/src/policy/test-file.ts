import { type Static, Type } from "typebox";
import { methods } from "./document.ts";
import type { Reason } from "./verdict.ts";
import { readYaml, type YamlFile, type YamlText } from "./yaml-document.ts";

const closed = { additionalProperties: false } as const;
const text = (description: string) => Type.String({ minLength: 1, maxLength: 8_192, description });
const textOrTexts = (description: string) =>
  Type.Union(
    [
      Type.String({ minLength: 1, maxLength: 8_192 }),
      Type.Array(Type.String({ minLength: 1, maxLength: 8_192 }), { minItems: 1 }),
    ],
    { description },
  );

const every: Readonly<Record<Reason, true>> = {
  unknown_subject: true,
  no_scope: true,
  no_allow: true,
  denied: true,
  purpose_required: true,
  purpose_not_served: true,
  expired: true,
  write_not_named: true,
  method_not_named: true,
  consent: true,
  error: true,
};
const reasons = Object.keys(every) as Reason[];

/** What a call may be given; a case takes from its document what it does not say itself. */
const given = {
  subject: Type.Optional(textOrTexts("Who calls: a subject, or a list of them.")),
  tool: Type.Optional(textOrTexts("The tool that is called, or a list of them.")),
  purpose: Type.Optional(
    Type.String({ maxLength: 8_192, description: 'Why: a text; "" for none; by default "policy test".' }),
  ),
  stated: Type.Optional(
    Type.Boolean({ description: "False when the purpose is the client's default, not the call's own." }),
  ),
  method: Type.Optional(Type.Enum([...methods], { description: "The HTTP method; by default GET." })),
  at: Type.Optional(text("When: an ISO date or a date and time with its zone; by default now.")),
};

/** One expectation. Lists stand for every combination. */
const Case = Type.Object(
  {
    name: Type.Optional(text("What the case is about, for people.")),
    ...given,
    resource: textOrTexts(
      "What is touched: a path (/…, ~/…, @NAME/…; a slash at its end means the folder), a URL, or index.",
    ),
    expect: Type.Enum(["allow", "deny", "ask"], { description: "What the policy has to say." }),
    reason: Type.Optional(Type.Enum(reasons, { description: "Why it has to refuse." })),
    scope: Type.Optional(text("The id of a scope that has to decide.")),
  },
  { ...closed, title: "Case" },
);
export type Case = Static<typeof Case>;

/** One document of a file of cases. */
export const TestDocument = Type.Object(
  {
    description: Type.Optional(Type.String({ description: "What the cases are about." })),
    home: Type.Optional(text("What ~ stands for here, instead of the owner's home.")),
    served: Type.Optional(
      Type.Record(Type.String(), text("The folder's path."), {
        description: "The served folders by name, instead of those that the server serves.",
      }),
    ),
    ...given,
    cases: Type.Array(Case, { minItems: 1, description: "What has to hold." }),
  },
  { ...closed, title: "Portcullis policy tests" },
);
export type TestDocument = Static<typeof TestDocument>;

/** Parses a file of cases. A document with a fault is left out whole: half of its cases would prove less than they seem to. */
export const parseTests = (text: YamlText): YamlFile<TestDocument> =>
  readYaml<TestDocument>(text, { schema: TestDocument, prune: () => undefined });
