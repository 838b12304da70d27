import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const id = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });
const time = (description: string) => Type.String({ description: `${description} ISO 8601.` });
const states = ["open", "allowed", "denied", "expired", "used"] as const;

/** How long an answer holds: for one call, until it is withdrawn, or so many milliseconds. */
const span = Type.Union([Type.Literal("once"), Type.Literal("always"), Type.Integer({ minimum: 1_000 })], {
  description: "once: exactly this call, a single time; always: until it is withdrawn; or milliseconds.",
});

/** A request as whoever made it sees it. */
const ConsentStatus = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum([...states], {
      description: "expired: over without an answer, which is a no. used: what was allowed for one call is used up.",
    }),
    tool: Type.String(),
    resources: Type.Array(Type.String(), { description: "Canonical URIs." }),
    createdAt: time("When it was opened."),
    expiresAt: time("When it is over without an answer."),
    times: Type.Integer({ minimum: 1, description: "How often the same call was made and denied." }),
    page: Type.Optional(Type.String({ description: "Where the owner answers." })),
    answeredAt: Type.Optional(time("When the owner answered.")),
    chose: Type.Optional(Type.String({ description: "What the owner chose, in words." })),
    next: Type.String({ description: "What the caller can do now." }),
  },
  { ...closed, $id: "ConsentStatus", title: "ConsentStatus" },
);
export type ConsentStatus = Static<typeof ConsentStatus>;

const ConsentOffer = Type.Object(
  {
    name: Type.String(),
    answer: Type.Enum(["allow", "never"]),
    for: Type.Optional(span),
    folder: Type.Optional(Type.Boolean()),
    says: Type.String(),
    patterns: Type.Array(Type.String(), { description: "All that it opens to the tool." }),
    opens: Type.Optional(
      Type.Object(
        {
          files: Type.Integer({ minimum: 0 }),
          sensitive: Type.Array(Type.String(), { description: "Names among them that sound like secrets." }),
          whole: Type.Boolean({ description: "False when there is more than was looked at." }),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** A request as the owner sees it. */
const OpenRequest = Type.Object(
  {
    ...ConsentStatus.properties,
    subject: Type.String(),
    client: Type.String({ description: "Id of the token or login that it came with." }),
    clientName: Type.Union([Type.String(), Type.Null()], { description: "What the program calls itself." }),
    agent: Type.Union([Type.String(), Type.Null()], { description: "What the caller calls itself." }),
    purpose: Type.Union([Type.String(), Type.Null()]),
    effect: Type.Enum(["read", "write", "send"]),
    egress: Type.Boolean({ description: "Whether the call's arguments leave this machine." }),
    args: Type.String({ description: "The arguments as JSON, scrubbed of secrets." }),
    reason: Type.String({ description: "Why policy refused it." }),
    flow: Type.Optional(Type.String({ description: "What would leave, where information flow stopped it." })),
    door: Type.String(),
    auditId: Type.String(),
    further: Type.Integer({ minimum: 0, description: "Other calls that were denied without a request of their own." }),
    offers: Type.Array(ConsentOffer),
  },
  { ...closed, $id: "OpenRequest", title: "OpenRequest" },
);
export type OpenRequest = Static<typeof OpenRequest>;

const ConsentGrant = Type.Object(
  {
    id: Type.String(),
    request: Type.String(),
    effect: Type.Enum(["allow", "never"]),
    subject: Type.String(),
    client: Type.String(),
    clientName: Type.Union([Type.String(), Type.Null()]),
    tool: Type.String(),
    patterns: Type.Array(Type.String()),
    once: Type.Boolean({ description: "Whether one call uses it up." }),
    purpose: Type.Union([Type.String(), Type.Null()]),
    by: Type.String(),
    createdAt: time("Since when."),
    expiresAt: Type.Union([time("Until when."), Type.Null()]),
  },
  { ...closed, $id: "ConsentGrant", title: "ConsentGrant" },
);
export type ConsentGrant = Static<typeof ConsentGrant>;

const ConsentAnswer = Type.Object(
  {
    id: id("The request's id."),
    answer: Type.Enum(["allow", "deny", "never"], { description: "never: no, and do not ask for this again." }),
    for: Type.Optional(span),
    folder: Type.Optional(Type.Boolean({ description: "The folder that holds it, reading only." })),
    resource: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4_096, description: "A narrower pattern than what was asked for." }),
    ),
    purpose: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: "Only for calls of this purpose." }),
    ),
  },
  { ...closed, $id: "ConsentAnswer", title: "ConsentAnswer" },
);

const none = Type.Object({}, closed);
const grantOf = (more: object = {}) => Type.Object({ ...more, grant: Type.Optional(ConsentGrant) }, closed);

/** The methods of consent: of those who ask, and (list, answer, grants, withdraw) of the owner alone. */
export const consentSchemas = {
  "consent.request": {
    params: Type.Object(
      {
        auditId: Type.Optional(id("The denied call's audit id.")),
        id: Type.Optional(id("The request's id.")),
      },
      { ...closed, minProperties: 1, maxProperties: 1 },
    ),
    result: ConsentStatus,
  },
  "consent.status": {
    params: Type.Object(
      {
        id: id("The request's id."),
        waitMs: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 30_000, description: "How long to wait for an answer, in ms." }),
        ),
      },
      closed,
    ),
    result: ConsentStatus,
  },
  "consent.list": { params: none, result: Type.Object({ requests: Type.Array(OpenRequest) }, closed) },
  "consent.answer": { params: ConsentAnswer, result: grantOf({ request: ConsentStatus }) },
  "consent.grants": { params: none, result: Type.Object({ grants: Type.Array(ConsentGrant) }, closed) },
  "consent.withdraw": { params: Type.Object({ id: id("The grant's id.") }, closed), result: grantOf() },
} as const;
