import { Type } from "typebox";

const closed = { additionalProperties: false } as const;

const keeper = (description: string) =>
  Type.String({ default: "", description: `${description} Empty: the data folder.` });

/** Who keeps what, where that is not the data folder: one line for each concern. */
export const Stores = Type.Object(
  {
    identity: keeper("Who keeps tokens and clients' logins: a `postgres://` URL."),
    sessions: keeper("Who keeps sessions: `postgres://` or `redis://`; by default who keeps identity."),
    consent: keeper("Who keeps what the owner was asked and what they allowed: `postgres://`."),
    policy: keeper("Who keeps the policies: `postgres://`. `portcullis policy publish` puts a set there."),
    audit: keeper("Who keeps the records of every replica: `postgres://`."),
    limits: Type.String({
      default: "",
      description: "Who counts calls and turns: `redis://`. Empty: this process.",
    }),
    flows: keeper("Who keeps what lines of work have seen: `postgres://`, or a `redis://` that syncs its writes."),
    secretsFile: Type.String({
      default: "",
      description: "A file of `NAME=value` lines, for the `${NAME}` in these URLs that the environment does not have.",
    }),
    key: Type.String({
      default: "",
      description: "The one secret of all replicas, as `${NAME}`; needed with identity or limits.",
    }),
    replicas: Type.Integer({
      default: 4,
      minimum: 1,
      maximum: 10_000,
      description: "How many replicas there are at most: while limits cannot be shared, each holds itself to its part.",
    }),
    auditAway: Type.Enum(["spool", "refuse"], {
      default: "spool",
      description: "While the shared audit is away, records wait on the replica's own disk, or calls are refused.",
    }),
    policyMaxAgeSeconds: Type.Integer({
      minimum: 1,
      default: 3_600,
      description:
        "How long a replica goes on with the policies of its disk while their database is away; then it refuses.",
    }),
  },
  { ...closed, default: {} },
);
