import type { Policy } from "../policy/compile.ts";
import type { Grant } from "../policy/grants.ts";
import type { ConsentGrant, ConsentStore } from "../stores/consent-store.ts";
import type { Trail } from "./trail.ts";

/** The grants in force, in step with the store, whichever process writes to it. */
export interface LiveGrants {
  /** Reads what has changed since the last time; cheap when nothing has. Rejects when the store cannot be read. */
  refresh(): Promise<void>;
  /** The policy with the grants in force. */
  apply(policy: Policy): Policy;
  find(id: string): ConsentGrant | undefined;
  /** Whether a grant of one call waits for this client. */
  waits(subject: string, client: string): boolean;
  /** The grant of exactly this call, if there is one. */
  findCall(who: Pick<ConsentGrant, "subject" | "client" | "tool">, call: string): ConsentGrant | undefined;
  /** The owner's word never to be asked for a tool on these patterns again. */
  never(who: Pick<ConsentGrant, "subject" | "client" | "tool">, patterns: readonly string[]): ConsentGrant | undefined;
  /** Ends what is over, and writes it down, once a second until `stop`. */
  start(): void;
  stop(): void;
}

export interface LiveGrantsOptions {
  readonly store: ConsentStore;
  readonly trail: Trail;
  readonly now: () => number;
  readonly fault: (message: string, error: unknown) => void;
}

const sweepEvery = 1_000;

export function createLiveGrants({ store, trail, now, fault }: LiveGrantsOptions): LiveGrants {
  let version: number | undefined;
  let grants: readonly ConsentGrant[] = [];
  let allowing: readonly Grant[] = [];
  let applied: { readonly policy: Policy; readonly to: readonly Grant[]; readonly whole: Policy } | undefined;
  let sweeper: NodeJS.Timeout | undefined;
  let sweeping = false;

  const sweep = async (): Promise<void> => {
    if (sweeping) return;
    sweeping = true;
    try {
      const { requests, grants: over } = await store.expire(now());
      for (const request of requests) await trail.expired(request);
      for (const grant of over) await trail.ended(grant);
    } catch (error) {
      fault("What is over could not be ended or recorded; it counts no more all the same.", error);
    } finally {
      sweeping = false;
    }
  };

  return {
    async refresh() {
      const current = await store.version();
      if (current === version) return;
      const read = await store.grants(now());
      grants = read;
      allowing = read.filter(({ effect }) => effect === "allow");
      version = current;
    },
    apply(policy) {
      if (allowing.length === 0) return policy;
      if (applied?.policy !== policy || applied.to !== allowing)
        applied = { policy, to: allowing, whole: policy.with(allowing) };
      return applied.whole;
    },
    find: (id) => grants.find((grant) => grant.id === id),
    waits: (subject, client) =>
      grants.some((grant) => grant.call !== null && grant.subject === subject && grant.client === client),
    findCall: ({ subject, client, tool }, call) =>
      grants.find(
        (grant) =>
          grant.effect === "allow" &&
          grant.call === call &&
          grant.subject === subject &&
          grant.client === client &&
          grant.tool === tool &&
          (grant.expiresAt === null || grant.expiresAt > now()),
      ),
    never: ({ subject, client, tool }, patterns) =>
      grants.find(
        (grant) =>
          grant.effect === "never" &&
          grant.subject === subject &&
          grant.client === client &&
          grant.tool === tool &&
          patterns.every((pattern) => grant.patterns.includes(pattern)),
      ),
    start() {
      sweeper ??= setInterval(() => void sweep(), sweepEvery).unref();
    },
    stop: () => clearInterval(sweeper),
  };
}
