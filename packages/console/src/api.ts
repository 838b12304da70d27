import type { ConsentGrant, Health, OpenRequest } from "@portcullis/contracts";

/** A refusal of the server's, in its own words. */
export class Refused extends Error {
  readonly code: string;
  readonly status: number;

  constructor(message: string, code: string, status: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A record of the audit, as the console shows it. */
export interface AuditEntry {
  readonly seq: number;
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly subject?: string;
  readonly door?: string;
  readonly tool?: string;
  readonly method?: string;
  readonly resources?: readonly string[];
  readonly purpose?: { readonly text?: string };
  readonly decision?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly scope?: string | null;
  readonly parent?: string;
  readonly masks?: Readonly<Record<string, number>>;
  readonly durationUs?: number;
  readonly [fact: string]: unknown;
}

export interface AuditPage {
  /** Newest first. */
  readonly records: readonly AuditEntry[];
  /** Where to go on from for older ones; absent when there are none. */
  readonly before?: number;
}

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly subject: string;
  readonly owner: boolean;
  readonly state: "valid" | "expired" | "revoked";
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** What a client was let in for; absent where policy alone decides. */
  readonly tools?: readonly string[];
}

export interface Login {
  readonly id: string;
  readonly subject: string;
  readonly token: string;
  readonly door: string;
  readonly client: string;
  /** Whether it is the one that asks. */
  readonly own: boolean;
  readonly createdAt: string;
  readonly expiresAt: string;
}

export interface Found {
  readonly id: string;
  readonly title: string;
  readonly url: string;
  readonly text?: string;
}

interface Answers {
  "consent.list": { readonly requests: readonly OpenRequest[] };
  "consent.grants": { readonly grants: readonly ConsentGrant[] };
  "consent.answer": unknown;
  "consent.withdraw": unknown;
  "console.audit": AuditPage;
  "console.chain": { readonly records: readonly AuditEntry[] };
  "console.clients": { readonly tokens: readonly Token[]; readonly sessions: readonly Login[] };
  "console.revoke": unknown;
  "console.health": Health & { readonly head: number };
  search: { readonly results: readonly Found[] };
  logout: unknown;
  login: unknown;
  refresh: unknown;
}

/** How long an answer may take, in milliseconds. */
const answerMs = 30_000;

/** Asks the server, with the login of this browser. Rejects with `Refused`, or with an error when nobody answers. */
export async function ask<Name extends keyof Answers>(name: Name, params: object = {}): Promise<Answers[Name]> {
  const response = await fetch(`/console/api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(params),
    signal: AbortSignal.timeout(answerMs),
  }).catch(() => {
    throw new Refused("Portcullis does not answer. Is it running?", "AWAY", 0);
  });
  const said = (await response.json().catch(() => ({}))) as { message?: string; code?: string };
  if (!response.ok)
    throw new Refused(said.message ?? `Refused (${response.status}).`, said.code ?? "", response.status);
  return said as Answers[Name];
}
