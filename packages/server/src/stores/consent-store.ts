import type { Resource } from "@portcullis/contracts";

/**
 * What the owner was asked and what they answered: requests, and the grants that came of them. Several processes may have one store open at once;
 * of two that answer the same request exactly one wins.
 */

/** One resource that a denied call touches, as policy has to allow it. */
export interface ConsentResource {
  readonly resource: Resource;
  /** Its canonical URI, scrubbed of secrets. */
  readonly uri: string;
  /** The patterns that allow exactly this: absolute paths or URLs, no shorthand that may mean something else tomorrow. */
  readonly patterns: readonly string[];
  /** The folder that holds it; undefined where there is none to offer. */
  readonly folder?: string;
  /** The HTTP method, when it is not GET or HEAD. */
  readonly method?: string;
}

/** What is asked of the owner: one denied call. What callers wrote is scrubbed of secrets; resources and patterns have to be exact. */
export interface AskedFor {
  /** A ULID. */
  readonly id: string;
  /** What makes two denied calls the same: SHA-256, in hex, of subject, client, tool and arguments. */
  readonly question: string;
  readonly subject: string;
  /** The token or login that the call came with. */
  readonly client: string;
  /** What the client program calls itself: claimed, not proved. */
  readonly clientName: string | null;
  /** What the caller calls itself: claimed, not proved. */
  readonly agent: string | null;
  readonly tool: string;
  readonly effect: "read" | "write" | "send";
  /** Whether the call's arguments leave this machine. */
  readonly egress: boolean;
  /** The arguments as JSON. */
  readonly args: string;
  /** SHA-256, in hex, of the tool and its exact arguments. */
  readonly call: string;
  readonly resources: readonly ConsentResource[];
  /** Why policy refused it. */
  readonly reason: string;
  /** What would leave and what met it, where information flow stopped the call: the only answers are once and no. */
  readonly flow?: string;
  /** Claimed, like every purpose. */
  readonly purpose: string | null;
  readonly door: string;
  /** The denied call's audit id. */
  readonly auditId: string;
  /** Milliseconds since the epoch, as are all times here. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

export type RequestState = "open" | "allowed" | "denied" | "expired" | "used";

export interface ConsentRequest extends AskedFor {
  readonly state: RequestState;
  /** How often the same call was made and denied. */
  readonly times: number;
  /** How many other calls of the subject were denied without a request of their own since this one was opened. */
  readonly further: number;
  readonly answer: ConsentAnswer | null;
}

export interface ConsentAnswer {
  readonly at: number;
  /** Who answered, and where: "owner, cli". */
  readonly by: string;
  /** What they chose, in words. */
  readonly chose: string;
  /** The grant that came of it. */
  readonly grant: string | null;
}

/** What the owner allowed, or said never to. It holds until it is used, withdrawn or over, whichever comes first. */
export interface ConsentGrant {
  readonly id: string;
  /** The request that it answers. */
  readonly request: string;
  readonly effect: "allow" | "never";
  readonly subject: string;
  readonly client: string;
  readonly clientName: string | null;
  readonly tool: string;
  readonly patterns: readonly string[];
  readonly methods: readonly string[];
  /** The exact call that it is for, which uses it up; null for one that holds for its time. */
  readonly call: string | null;
  /** The only purpose that it serves; null for any. */
  readonly purpose: string | null;
  readonly by: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

export interface OpeningLimits {
  /** Open requests of one subject, and of all together. */
  readonly perSubject: number;
  readonly total: number;
}

export type Opening =
  /** `joined` is the request that was there already: open, or denied before its time was over. */
  | { readonly kind: "opened" | "joined"; readonly request: ConsentRequest }
  /** No room. The call was counted on the subject's newest open request, if it has one. */
  | { readonly kind: "full"; readonly limit: keyof OpeningLimits; readonly request: ConsentRequest | undefined };

export interface Settlement {
  /** True for the one who answered while the request was open. */
  readonly settled: boolean;
  /** The request as it is now; undefined when there is none. */
  readonly request: ConsentRequest | undefined;
}

export interface Expired {
  readonly requests: readonly ConsentRequest[];
  readonly grants: readonly ConsentGrant[];
}

export interface ConsentStore {
  /** Opens a request, or joins the same question that is open or was denied before it expired. */
  open(wanted: AskedFor, limits: OpeningLimits): Promise<Opening>;
  find(id: string): Promise<ConsentRequest | undefined>;
  /** The request that a denied call of this audit id opened or joined, as far as it is remembered. */
  findByCall(auditId: string): Promise<ConsentRequest | undefined>;
  /** Those that are open and not over at `now`, oldest first. */
  listOpen(now: number): Promise<readonly ConsentRequest[]>;
  /** Answers a request that is open and not over, with its grant, in one step: exactly one of several answers does. It survives a loss of power. */
  settle(
    id: string,
    answer: ConsentAnswer & { readonly state: "allowed" | "denied" },
    grant: ConsentGrant | undefined,
  ): Promise<Settlement>;
  /** The grants that hold at `now`, oldest first. */
  grants(now: number): Promise<readonly ConsentGrant[]>;
  /** Uses a grant of one call up; true for the one caller who was first. It survives a loss of power. */
  use(id: string, now: number): Promise<boolean>;
  /** Ends a grant that holds; undefined when there is none. It survives a loss of power. */
  withdraw(id: string, now: number): Promise<ConsentGrant | undefined>;
  /** Marks what is over at `now`, each for one caller only, and forgets requests that ended a month ago. */
  expire(now: number): Promise<Expired>;
  /** A number that changes with every change, by whichever process. */
  version(): Promise<number>;
}

/** How long an ended request is remembered, in ms. */
export const rememberedMs = 30 * 24 * 3_600_000;

/** How many audit ids of denied calls a request remembers. */
export const mostCalls = 20;
