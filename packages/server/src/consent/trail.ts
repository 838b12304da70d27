import { CallError } from "@portcullis/contracts";
import { type AuditDraft, sealRecord } from "../audit/record.ts";
import type { ConsentGrant, ConsentRequest } from "../stores/consent-store.ts";
import type { AuditLog } from "../stores/store.ts";

/** Writes what happens to requests and grants into the audit. */
export interface Trail {
  opened(request: ConsentRequest): Promise<void>;
  expired(request: ConsentRequest): Promise<void>;
  ended(grant: ConsentGrant): Promise<void>;
  /** Records an answer before `body` gives it, and how that ended. Rejects, with nothing done, when it cannot be recorded. */
  deciding<T>(decision: Decision, body: () => Promise<T>): Promise<T>;
}

export interface Decision {
  readonly method: "consent.answer" | "consent.withdraw";
  readonly about: ConsentRequest | ConsentGrant;
  readonly by: string;
  readonly door: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface TrailOptions {
  readonly audit: Pick<AuditLog, "append">;
  readonly boot: string;
  readonly now: () => number;
  readonly nextId: (now: number) => string;
  /** Masks the secrets of what is written down. */
  readonly scrub: <T>(value: T) => T;
}

export function createTrail({ audit, boot, now, nextId, scrub }: TrailOptions): Trail {
  const write = async (draft: Omit<AuditDraft, "at" | "boot">): Promise<void> => {
    await audit.append(
      sealRecord({
        ...draft,
        args: scrub(draft.args),
        resources: scrub(draft.resources),
        at: new Date(now()).toISOString(),
        boot,
      }),
    );
  };
  const system = (method: string, about: ConsentRequest | ConsentGrant): Promise<void> =>
    write({ ...toFacts(about), kind: "system", id: nextId(now()), method, outcome: "ok" });
  return {
    opened: (request) => system("consent.opened", request),
    expired: (request) => system("consent.expired", request),
    ended: (grant) => system("consent.ended", grant),
    async deciding({ method, about, by, door, args }, body) {
      const facts = { ...toFacts(about), id: nextId(now()), door, method, reason: by, args };
      try {
        await write({ ...facts, kind: "intent" });
      } catch (cause) {
        throw new CallError("UNAVAILABLE", "The audit cannot be written, so nothing is decided.", {
          cause,
          details: { reason: "audit", next: "Look at `portcullis doctor`." },
        });
      }
      try {
        const result = await body();
        await write({ ...facts, kind: "method", outcome: "ok" });
        return result;
      } catch (error) {
        const outcome = error instanceof CallError ? error.code : "INTERNAL";
        await write({ ...facts, kind: "method", outcome }).catch(() => {});
        throw error;
      }
    },
  };
}

function toFacts(about: ConsentRequest | ConsentGrant) {
  const { id, subject, client, tool } = about;
  const whose = { subject, grant: client, tool };
  if ("state" in about) {
    const { purpose, auditId, resources, door, reason, times, further } = about;
    return {
      ...whose,
      door,
      reason,
      parent: auditId,
      resources: resources.map(({ uri }) => uri),
      purpose: purpose === null ? undefined : { text: purpose, stated: true },
      args: { request: id, times, further },
      consent: id,
    };
  }
  const { request, effect, patterns, call, purpose, expiresAt } = about;
  return {
    ...whose,
    resources: patterns,
    args: { grant: id, request, effect, call, purpose, expiresAt },
    consent: request,
  };
}
