import { setTimeout as pause } from "node:timers/promises";
import { CallError } from "@portcullis/contracts";
import type { Policy } from "../policy/compile.ts";
import type { Places } from "../policy/path-pattern.ts";
import { soundsSecret } from "../policy/tally.ts";
import type { ConsentGrant, ConsentRequest, ConsentStore } from "../stores/consent-store.ts";
import { type FolderContents, lookInto } from "./folder-contents.ts";
import { type Choice, type Offer, offersOf } from "./offers.ts";
import { toGrant, toWords } from "./to-grant.ts";
import type { Trail } from "./trail.ts";

/** Who answers. A page or a terminal of the owner's has no grant: it is not a client. */
export interface Answerer {
  readonly owner: boolean;
  readonly name: string;
  readonly door: string;
  /** The token or login that the answer came with. */
  readonly client?: string;
}

/** An offer with what lies in the folders that it opens. */
export interface ShownOffer extends Offer {
  readonly opens?: FolderContents;
}

export interface Answered {
  readonly request: ConsentRequest;
  /** What came of a yes or of a never. */
  readonly grant: ConsentGrant | undefined;
}

/** Where the owner's requests lie and are answered: one desk behind the command line, the page and the connector. What it refuses is a `CallError`. */
export interface Desk {
  /** The requests that wait for an answer, oldest first. */
  list(): Promise<readonly ConsentRequest[]>;
  /** A request in whatever state; undefined when there is none. */
  find(id: string): Promise<ConsentRequest | undefined>;
  /** The request that a denied call of this audit id opened or joined. */
  findByCall(auditId: string): Promise<ConsentRequest | undefined>;
  /** What can be answered to a request, the smallest first. */
  offers(request: ConsentRequest): Promise<readonly ShownOffer[]>;
  /** Answers an open request: exactly one of several answers counts. It is in force, here at once and in every process within a second, when this resolves. */
  answer(id: string, choice: Choice, by: Answerer): Promise<Answered>;
  /** All that holds: what was allowed and is not over, and every never. */
  grants(): Promise<readonly ConsentGrant[]>;
  /** Ends a grant, or lifts a never; calls that run already are not stopped. */
  withdraw(id: string, by: Answerer): Promise<ConsentGrant>;
  /** The request as it stands once it is not open any more, or after `ms` at the latest. */
  wait(id: string, ms: number): Promise<ConsentRequest | undefined>;
  /** Ends every wait. */
  close(): void;
}

export interface DeskOptions {
  readonly store: ConsentStore;
  readonly trail: Trail;
  /** The owner's policy, without grants. Asked before a yes. */
  readonly policy: () => Policy | Promise<Policy>;
  readonly places: () => Places;
  readonly onceMs: number;
  readonly now: () => number;
  readonly nextId: (now: number) => string;
}

const mostGrants = 1_000;
const mostWaiting = 256;
const lookEvery = 200;

export function createDesk({ store, trail, policy, places, onceMs, now, nextId }: DeskOptions): Desk {
  let waiting = 0;
  const closing = new AbortController();

  /** A yes must open what was asked for, and may not meet a deny rule: those the owner changes in the policy, or nowhere. */
  const checkPolicy = async (request: ConsentRequest, grant: ConsentGrant): Promise<void> => {
    const whole = (await policy()).with([grant]);
    const { subject, client, tool, effect, call } = request;
    const text = grant.purpose ?? request.purpose;
    const asked = {
      subject,
      client,
      tool,
      effect,
      call,
      now: now(),
      purpose: { ...(text !== null && { text }), stated: true },
    };
    for (const { uri, resource } of request.resources) {
      const verdict = whole.decide({ ...asked, resource });
      if (verdict.effect === "allow") continue;
      const { reason, message } = verdict;
      const why =
        reason === "denied" ? "A deny rule closes this, and no answer opens what a deny rule closes" : message;
      throw new CallError("INVALID_PARAMS", `${why.replace(/\.$/, "")}: ${uri}. Change the policy, or answer no.`, {
        details: { reason: reason === "denied" ? "denied" : "no_help", resource: uri },
      });
    }
  };

  const mayDecide = (by: Answerer, client: string | undefined): void => {
    if (!by.owner) {
      throw new CallError("PERMISSION_DENIED", "Only the owner answers requests and withdraws grants.", {
        details: {
          scope: null,
          reason: "not_owner",
          next: "Ask the owner: they use their page or `portcullis consent`.",
        },
      });
    }
    // A client that was given the owner's token would else answer itself.
    if (client !== undefined && by.client === client) {
      throw new CallError("PERMISSION_DENIED", "Whoever asks does not answer: this request came with the same token.", {
        details: {
          scope: null,
          reason: "own_request",
          next: "Answer with `portcullis consent` in a terminal.",
        },
      });
    }
  };

  const nameOf = ({ name, door }: Answerer): string => `${name}, ${door}`;

  return {
    list: () => store.listOpen(now()),
    find: async (id) => standing(await store.find(id), now()),
    findByCall: async (auditId) => standing(await store.findByCall(auditId), now()),
    offers: (request) =>
      Promise.all(
        offersOf(request).map(async (offer) => {
          if (offer.folders.length === 0) return offer;
          const looks = await Promise.all(offer.folders.map((folder) => lookInto(folder, soundsSecret)));
          const opens: FolderContents = {
            files: looks.reduce((sum, { files }) => sum + files, 0),
            secrets: looks.flatMap(({ secrets }) => secrets).slice(0, 5),
            whole: looks.every(({ whole }) => whole),
          };
          return { ...offer, opens };
        }),
      ),
    async answer(id, choice, by) {
      const request = standing(await store.find(id), now());
      if (!request) throw unknown("request", id);
      mayDecide(by, request.client);
      if (request.state !== "open") throw toSettled(request);
      const at = now();
      const grant = toGrant(request, choice, { id: nextId(at), by: nameOf(by), now: at, onceMs, places: places() });
      if (grant?.effect === "allow") await checkPolicy(request, grant);
      if (grant && (await store.grants(at)).length >= mostGrants) {
        throw new CallError("UNAVAILABLE", `${mostGrants} grants hold already; withdraw some first.`, {
          details: { reason: "grants" },
        });
      }
      const chose = toWords(choice);
      const args = { request: id, chose, ...(grant && { grant: grant.id, patterns: grant.patterns }) };
      const decision = { method: "consent.answer", about: request, by: nameOf(by), door: by.door, args } as const;
      return trail.deciding(decision, async () => {
        const state = choice.answer === "allow" ? "allowed" : "denied";
        const answer = { at, by: nameOf(by), chose, grant: grant?.id ?? null, state } as const;
        const { settled, request: after } = await store.settle(id, answer, grant);
        if (!after) throw unknown("request", id);
        if (!settled) throw toSettled(standing(after, now()) ?? after);
        return { request: after, grant };
      });
    },
    grants: () => store.grants(now()),
    async withdraw(id, by) {
      mayDecide(by, undefined);
      const found = (await store.grants(now())).find((grant) => grant.id === id);
      if (!found) throw unknown("grant", id);
      const decision = { about: found, by: nameOf(by), door: by.door, args: { grant: id, effect: found.effect } };
      return trail.deciding({ method: "consent.withdraw", ...decision }, async () => {
        const withdrawn = await store.withdraw(id, now());
        if (!withdrawn) throw unknown("grant", id);
        return withdrawn;
      });
    },
    async wait(id, ms) {
      if (waiting >= mostWaiting) {
        throw new CallError("RATE_LIMITED", "Too many wait for an answer; ask without waitMs.", {
          details: { bucket: "waiting", capacity: mostWaiting, tokensLeft: 0, retryAfterMs: 1_000 },
        });
      }
      waiting++;
      const end = performance.now() + ms;
      try {
        for (;;) {
          const request = standing(await store.find(id), now());
          const left = end - performance.now();
          if (request?.state !== "open" || left <= 0 || closing.signal.aborted) return request;
          await pause(Math.min(lookEvery, left), undefined, { signal: closing.signal, ref: false }).catch(() => {});
        }
      } finally {
        waiting--;
      }
    },
    close: () => closing.abort(),
  };
}

/** A request as it counts now: one whose time is over is expired, whether or not that was written down yet. */
const standing = (request: ConsentRequest | undefined, now: number): ConsentRequest | undefined =>
  request?.state === "open" && request.expiresAt <= now ? { ...request, state: "expired" } : request;

const unknown = (what: "request" | "grant", id: string): CallError =>
  new CallError(
    "NOT_FOUND",
    `There is no ${what} ${JSON.stringify(id.slice(0, 64))}${what === "grant" ? " that holds" : ""}.`,
    {
      details: { next: what === "grant" ? "portcullis consent grants" : "portcullis consent list" },
    },
  );

function toSettled({ id, state, answer, expiresAt }: ConsentRequest): CallError {
  const message =
    state === "expired"
      ? `Request ${id} was over at ${new Date(expiresAt).toISOString()} without an answer, which is a no. When the call is made again it is asked anew.`
      : `Request ${id} was answered already: ${answer?.chose ?? state} (${answer?.by ?? "unknown"}).`;
  return new CallError("INVALID_PARAMS", message, {
    details: { reason: state === "expired" ? "expired" : "answered", state },
  });
}
