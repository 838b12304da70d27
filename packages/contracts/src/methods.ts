import { type Static, type TSchema, Type } from "typebox";
import { consentSchemas } from "./consent.ts";
import { EventsEnded, EventsMissed, EventTold, eventSchemas } from "./events.ts";
import { mapOf } from "./map-of.ts";
import { promptSchemas } from "./prompts.ts";
import { ResourceChunk, resourceSchemas } from "./resources.ts";
import { samplingSchemas } from "./sampling.ts";
import { Outcome, ToolCall, ToolDescription } from "./schemas.ts";

const closed = { additionalProperties: false } as const;
const none = Type.Object({}, closed);
const name = (description: string) => Type.String({ minLength: 1, maxLength: 4_096, description });

/** What a session is to its client. `session` is a secret: whoever holds it acts as `subject`. */
export const Session = Type.Object(
  {
    session: Type.String(),
    subject: Type.String(),
    expiresAt: Type.String({ description: "ISO 8601." }),
    expiresInMs: Type.Integer({ minimum: 0 }),
    refreshable: Type.Boolean(),
  },
  { ...closed, $id: "Session", title: "Session" },
);
export type Session = Static<typeof Session>;

export const Health = Type.Object(
  {
    live: Type.Literal(true),
    ready: Type.Boolean({ description: "False while calls cannot be taken." }),
    faults: Type.Array(Type.String()),
    warnings: Type.Optional(Type.Array(Type.String(), { description: "What is not well, though calls are taken." })),
    version: Type.String(),
  },
  { ...closed, $id: "Health", title: "Health" },
);
export type Health = Static<typeof Health>;

export const Capabilities = Type.Object(
  {
    server: Type.Object({ name: Type.String(), version: Type.String() }, closed),
    protocol: Type.String(),
    mcp: Type.Array(Type.String(), { description: "The MCP revisions that are served." }),
    tools: Type.Boolean(),
    resources: Type.Boolean(),
    prompts: Type.Boolean(),
    sampling: Type.Boolean(),
    events: Type.Boolean(),
    topics: Type.Optional(Type.Array(Type.String(), { description: "What events.subscribe takes." })),
    limits: mapOf(Type.Integer()),
    methods: Type.Array(Type.String()),
    codes: Type.Array(Type.String()),
  },
  { ...closed, $id: "Capabilities", title: "Capabilities" },
);
export type Capabilities = Static<typeof Capabilities>;

export const ToolList = Type.Object(
  { tools: Type.Array(ToolDescription) },
  { ...closed, $id: "ToolList", title: "ToolList" },
);
export type ToolList = Static<typeof ToolList>;

export const Manifest = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    protocol: Type.String(),
    subject: Type.String(),
    endpoints: mapOf(Type.String()),
    tools: Type.Array(ToolDescription),
  },
  { ...closed, $id: "Manifest", title: "Manifest" },
);
export type Manifest = Static<typeof Manifest>;

export const Prompt = Type.Object(
  { subject: Type.String(), text: Type.String() },
  { ...closed, $id: "Prompt", title: "Prompt" },
);

/** What a client adds to the audit: what its model was asked, or what it said in the end. */
export const AuditNote = Type.Object(
  {
    kind: Type.Enum(["prompt", "completion", "note"]),
    text: Type.String({ minLength: 1, maxLength: 16_384, description: "Kept with secrets masked." }),
    parent: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: "The audit id of what led to this." }),
    ),
    turn: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "One round of a model's work." })),
  },
  { ...closed, $id: "AuditNote", title: "AuditNote" },
);
export type AuditNote = Static<typeof AuditNote>;

export const AuditNoted = Type.Object(
  { auditId: Type.String({ description: "Name it as `trace.parent` of what follows from this." }) },
  { ...closed, $id: "AuditNoted", title: "AuditNoted" },
);

export interface MethodSchemas {
  readonly params: TSchema;
  readonly result: TSchema;
}

const method = (params: TSchema, result: TSchema): MethodSchemas => ({ params, result });
const page = Type.Object({ cursor: Type.Optional(name("Where the page before ended.")) }, closed);

/** The methods of the connector protocol, with the schemas of their parameters and results. */
export const methodSchemas = {
  "capabilities.get": method(none, Capabilities),
  "tools.list": method(page, ToolList),
  "tools.call": method(ToolCall, Outcome),
  ...resourceSchemas,
  ...promptSchemas,
  ...samplingSchemas,
  ...eventSchemas,
  ...consentSchemas,
  "auth.exchange": method(Type.Object({ token: name("A token that the owner made.") }, closed), Session),
  "auth.refresh": method(
    Type.Object({ session: Type.Optional(name("Another session than the connection's.")) }, closed),
    Session,
  ),
  "audit.note": method(AuditNote, AuditNoted),
  "health.check": method(none, Health),
} as const satisfies Record<string, MethodSchemas>;

export type MethodName = keyof typeof methodSchemas;

/** Withdraws the call of that id, or the stream. */
export const CallCancel = Type.Object({ id: Type.Union([Type.String(), Type.Number(), Type.Null()]) }, closed);

/** How far a call is that asked for it. */
export const CallProgress = Type.Object(
  {
    id: Type.Union([Type.String(), Type.Number(), Type.Null()]),
    done: Type.Number(),
    total: Type.Optional(Type.Number()),
    message: Type.Optional(Type.String()),
  },
  { ...closed, $id: "CallProgress", title: "CallProgress" },
);

/** What the server sends by itself. */
export const notificationSchemas = {
  "events.event": EventTold,
  "events.missed": EventsMissed,
  "events.ended": EventsEnded,
  "resources.chunk": ResourceChunk,
  "call.progress": CallProgress,
} as const;

export type NotificationName = keyof typeof notificationSchemas;
