import { type Static, Type } from "typebox";
import { codes } from "./codes.ts";
import { mapOf } from "./map-of.ts";
import { Trace } from "./schemas.ts";

const closed = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });
const seq = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });
const subscription = name("The subscription's id.");

/** What is to be told, and from where on. */
export const EventSubscribe = Type.Object(
  {
    topic: name("What to be told of, such as fs.watch."),
    params: Type.Optional(mapOf(Type.Unknown(), { description: "As the topic's schema says." })),
    trace: Type.Optional(Trace),
    resume: Type.Optional(
      Type.Object(
        { subscription, after: seq("The number of the last event that was taken.") },
        { ...closed, description: "Goes on with an earlier subscription of the same topic and parameters." },
      ),
    ),
  },
  { ...closed, $id: "EventSubscribe", title: "EventSubscribe" },
);
export type EventSubscribe = Static<typeof EventSubscribe>;

export const EventSubscribed = Type.Object(
  {
    subscription,
    topic: Type.String(),
    after: seq("Events follow whose numbers are greater than this one."),
    resumed: Type.Boolean({ description: "Whether the subscription that was named still stood." }),
  },
  { ...closed, $id: "EventSubscribed", title: "EventSubscribed" },
);
export type EventSubscribed = Static<typeof EventSubscribed>;

/** One event. Numbers of one subscription rise by one; what lies between is told by `events.missed`. */
export const EventTold = Type.Object(
  {
    subscription,
    seq: seq("Its number in the subscription."),
    topic: Type.String(),
    event: Type.String({ description: "What happened, such as file.changed." }),
    at: Type.String({ description: "When it was told, in ISO 8601." }),
    data: mapOf(Type.Unknown()),
    auditId: Type.String({ description: "The audit's record of this delivery." }),
    why: Type.Optional(Type.Array(Type.String(), { description: "What was done to it, such as «masked 2 secrets»." })),
  },
  { ...closed, $id: "EventTold", title: "EventTold" },
);
export type EventTold = Static<typeof EventTold>;

/** Events `from` to `to`, both included, are not told: look at the source itself. */
export const EventsMissed = Type.Object(
  {
    subscription,
    from: seq("The first number."),
    to: seq("The last number."),
    reason: Type.Enum(["slow", "forgotten", "withdrawn", "source"], {
      description:
        "slow: more waited than is kept; forgotten: they are not kept any more; withdrawn: they may not be told any more; source: nobody noticed them.",
    }),
  },
  { ...closed, $id: "EventsMissed", title: "EventsMissed" },
);
export type EventsMissed = Static<typeof EventsMissed>;

/** The subscription has ended from the server's side. */
export const EventsEnded = Type.Object(
  {
    subscription,
    code: Type.Enum(Object.keys(codes) as (keyof typeof codes)[]),
    message: Type.String(),
    details: Type.Optional(mapOf(Type.Unknown())),
    auditId: Type.String(),
  },
  { ...closed, $id: "EventsEnded", title: "EventsEnded" },
);
export type EventsEnded = Static<typeof EventsEnded>;

export const eventSchemas = {
  "events.subscribe": { params: EventSubscribe, result: EventSubscribed },
  "events.unsubscribe": {
    params: Type.Object({ subscription }, closed),
    result: Type.Object({ subscription }, closed),
  },
} as const;
