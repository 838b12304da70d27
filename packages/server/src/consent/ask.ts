import type { Resource } from "@portcullis/contracts";
import { canonicalJson } from "../policy/canonical-json.ts";
import { answerable } from "../policy/grants.ts";
import type { Places } from "../policy/path-pattern.ts";
import type { Reason } from "../policy/verdict.ts";
import type { AskedFor, ConsentRequest, ConsentStore, OpeningLimits } from "../stores/consent-store.ts";
import { toQuestionHash } from "./call-hash.ts";
import type { LiveGrants } from "./live-grants.ts";
import { offersOf, patternsOf } from "./offers.ts";
import { toConsentResource } from "./to-resources.ts";
import type { Trail } from "./trail.ts";

/** A denied call, as far as the owner is told of it. */
export interface DeniedCall
  extends Pick<
    AskedFor,
    | "subject"
    | "client"
    | "clientName"
    | "agent"
    | "tool"
    | "effect"
    | "egress"
    | "call"
    | "flow"
    | "purpose"
    | "door"
    | "auditId"
  > {
  /** The arguments as they came. */
  readonly args: unknown;
  /** The resources that were denied, each with the reason. */
  readonly denied: readonly { readonly resource: Resource; readonly reason: Reason }[];
  readonly now: number;
}

/** What a refusal says of the request that it opened or joined. */
export interface ToldOfConsent {
  /** `full`: there is no room for another request now; `never`: the owner does not want to be asked this. */
  readonly state: "open" | "denied" | "full" | "never";
  readonly id?: string;
  readonly expiresAt?: string;
  /** How often this call was made and denied. */
  readonly times?: number;
  /** What the owner can answer, the smallest first. */
  readonly offers?: readonly string[];
  /** Where the owner answers. */
  readonly page?: string;
  readonly statusMethod?: "consent.status";
  readonly next: string;
}

export interface AskOptions {
  readonly store: ConsentStore;
  readonly trail: Trail;
  readonly grants: LiveGrants;
  readonly limits: ConsentLimits;
  readonly places: () => Places;
  /** Masks the secrets of what is kept of a call. */
  readonly scrub: <T>(value: T) => T;
  /** The owner's page of a request; undefined where nothing serves one. */
  readonly page: (id: string) => string | undefined;
  readonly nextId: (now: number) => string;
}

export interface ConsentLimits extends OpeningLimits {
  /** How long a request stays open, in ms. */
  readonly openMs: number;
  /** How long a grant of one call waits for it, in ms. */
  readonly onceMs: number;
}

/** The most characters of arguments that are kept. */
const mostArgs = 8_192;

/** Makes a denied call a request to the owner. Undefined when no answer of theirs could help, or nobody may ask. */
export function createAsk(options: AskOptions) {
  const { store, trail, grants, limits, places, scrub, page, nextId } = options;
  return async (call: DeniedCall): Promise<ToldOfConsent | undefined> => {
    if (limits.perSubject === 0 || call.door === "cli" || call.denied.length === 0) return undefined;
    if (!call.denied.every(({ reason }) => answerable.has(reason))) return undefined;
    const resources = call.denied.map(({ resource }) => toConsentResource(resource, call.effect, places()));
    const known = resources.filter((resource) => resource !== undefined);
    if (known.length < resources.length) return undefined;

    const never = grants.never(call, patternsOf(known, false));
    if (never) {
      const lift = `portcullis consent withdraw ${never.id}`;
      return {
        state: "never",
        next: `The owner does not want to be asked for this. Do not ask again; only the owner can lift that (${lift}).`,
      };
    }
    const { args, denied, now, subject, client, ...rest } = call;
    const text = canonicalJson(args) ?? "null";
    const shown = scrub({ args, purpose: call.purpose, agent: call.agent, clientName: call.clientName });
    const shownArgs = canonicalJson(shown.args);
    const opening = await store.open(
      {
        ...rest,
        ...{ subject, client, purpose: shown.purpose, agent: shown.agent, clientName: shown.clientName },
        id: nextId(now),
        question: toQuestionHash(subject, client, call.call),
        ...(call.flow !== undefined && { flow: scrub(call.flow) }),
        args:
          shownArgs.length > mostArgs ? `${shownArgs.slice(0, mostArgs).toWellFormed()}… (${text.length})` : shownArgs,
        resources: known.map((resource) => ({ ...resource, uri: scrub(resource.uri) })),
        reason: call.flow === undefined ? (denied[0]?.reason ?? "no_allow") : "flow",
        createdAt: now,
        expiresAt: now + limits.openMs,
      },
      limits,
    );
    if (opening.kind === "full") return toFull(opening.request, opening.limit, limits);
    if (opening.kind === "opened") await trail.opened(opening.request);
    return toTold(opening.request, page(opening.request.id));
  };
}

function toFull(
  newest: ConsentRequest | undefined,
  limit: keyof OpeningLimits,
  { perSubject, total }: OpeningLimits,
): ToldOfConsent {
  const most = limit === "perSubject" ? `${perSubject} requests of yours` : `${total} requests`;
  const until = newest ? ` The newest is ${newest.id}.` : "";
  return {
    state: "full",
    next: `${most} wait for the owner already, so this one was counted but not put.${until} Wait for an answer, then call again.`,
  };
}

function toTold(request: ConsentRequest, page: string | undefined): ToldOfConsent {
  const { id, state, times } = request;
  const expiresAt = new Date(request.expiresAt).toISOString();
  const told = { id, expiresAt, times, statusMethod: "consent.status" as const };
  if (state === "denied")
    return {
      ...told,
      state,
      next: `The owner said no. The same call is not put to them again before ${expiresAt}. Tell the user.`,
    };
  const where = page === undefined ? "" : `at ${page} or `;
  return {
    ...told,
    state: "open",
    offers: offersOf(request).map(({ name }) => name),
    ...(page !== undefined && { page }),
    next: `Tell the user what you want and why. The owner answers ${where}with \`portcullis consent\` in their own terminal; nobody can answer for them, and no answer means no. Then make exactly the same call again.`,
  };
}
