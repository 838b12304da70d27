import type { RequirementId } from "../requirements.ts";

/** What becomes of a concern while its engine is away. */
export interface Degradation {
  readonly concern: string;
  readonly engines: string;
  readonly meanwhile: string;
  readonly afterwards: string;
  /** Whether the replica still says that it takes calls. */
  readonly ready: "yes" | "no";
  /** The promises whose proofs kill, freeze or empty the engine. */
  readonly proved: readonly RequirementId[];
}

/** The table of docs/operations.md. Each row names what proves it. */
export const degradations: readonly Degradation[] = [
  {
    concern: "identity (tokens, logins), sessions",
    engines: "PostgreSQL; sessions also Redis",
    meanwhile:
      "every call is refused with `UNAVAILABLE`: nobody's token can be looked up, and nothing remembered counts",
    afterwards: "calls go on with the same tokens and sessions",
    ready: "no",
    proved: ["S3.refusal", "S3.deadline"],
  },
  {
    concern: "consent",
    engines: "PostgreSQL",
    meanwhile: "every call is refused with `UNAVAILABLE`: no grant may be overlooked that was withdrawn",
    afterwards: "requests and grants are as they were; one of a single call that was being used counts as used",
    ready: "no",
    proved: ["S3.refusal"],
  },
  {
    concern: "policy",
    engines: "PostgreSQL",
    meanwhile:
      "the last set goes on, from the disk after a restart too, for `stores.policyMaxAgeSeconds`; then `UNAVAILABLE`",
    afterwards: "the newest set within a second",
    ready: "yes",
    proved: ["P5.cache"],
  },
  {
    concern: "audit",
    engines: "PostgreSQL",
    meanwhile:
      "records are synced to the replica's own disk and wait there, or with `stores.auditAway: refuse` calls are refused",
    afterwards: "what waits is delivered, each record once, also by whoever starts on that data folder after a crash",
    ready: "yes",
    proved: ["S3.audit"],
  },
  {
    concern: "limits (rates, turns)",
    engines: "Redis, Valkey",
    meanwhile:
      "each replica holds itself to its part: size and refill divided by `stores.replicas`, less what it has used already",
    afterwards: "exact again",
    ready: "yes",
    proved: ["S3.limits"],
  },
  {
    concern: "flows",
    engines: "PostgreSQL, Redis",
    meanwhile:
      "every line of work counts as one that has seen everything; what has a label is not shown, nothing is written, nothing leaves unasked",
    afterwards: "as it was; where Redis may have forgotten the latest, as full until `flow.lifetimeMs` is over",
    ready: "yes",
    proved: ["S3.limits"],
  },
  {
    concern: "vectors",
    engines: "Chroma",
    meanwhile: "search answers by words alone, and says so",
    afterwards: "by meaning again",
    ready: "yes",
    proved: ["I5.hybrid"],
  },
];
