import type { Requirement } from "./requirement.ts";

/** Promises of several replicas together, and of what they share. */
export const fleetRequirements = {
  "S2.rate": {
    says: "Of 64 calls at once over three replicas with a budget of ten, ten run.",
    on: "once",
    needs: "engines",
  },
  "S2.turn": {
    says: "A turn is counted over all replicas, and its handle is good on each of them.",
    on: "once",
    needs: "engines",
  },
  "S2.revocation": {
    says: "A revoked token ends on every replica within a second, in open sessions too.",
    on: ["websocket", "http", "mcp-http"],
    needs: "engines",
  },
  "S2.session": {
    says: "A session on one replica outlives the restart of another, and can be seen and ended from every one.",
    on: "once",
    needs: "engines",
  },
  "S2.consent": {
    says: "A consent that is answered on one replica lets the call go on another one, once.",
    on: "once",
    needs: "engines",
  },
  "S2.flow": {
    says: "What a line of work has seen on one replica counts on every other.",
    on: "once",
    needs: "engines",
  },
  "S2.audit": {
    says: "Each replica's records are a chain of their own in the shared audit, and audit verify proves all of them.",
    on: "once",
    needs: "engines",
  },
  "P5.published": {
    says: "A published policy is in force on every replica within a second, and one with a fault on none.",
    on: "once",
    needs: "engines",
  },
  "P5.cache": {
    says: "A replica starts and serves from the policies of its disk while their database is away, says so, and refuses when they are too old.",
    on: "once",
    needs: "engines",
  },
  "S3.limits": {
    says: "While limits and flows cannot be shared, each replica holds itself to its part, a line of work counts as full, and both are said.",
    on: "once",
    needs: "engines",
  },
  "S3.audit": {
    says: "While the shared audit is away, records wait on the replica's disk, and are delivered once each, after a crash too.",
    on: "once",
    needs: "engines",
  },
  "S3.refusal": {
    says: "While tokens cannot be looked up, nothing is done, and what comes back needs no hand.",
    on: "once",
    needs: "engines",
  },
  "S3.deadline": {
    says: "An engine that goes on to exist and answers nothing holds up no call for longer than a few seconds.",
    on: "once",
    needs: "engines",
  },
} as const satisfies Record<string, Requirement>;
