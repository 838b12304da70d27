import { randomInt } from "node:crypto";
import { CallError } from "@portcullis/contracts";
import type { OAuthStore } from "../stores/oauth-store.ts";
import type { TokenStore } from "../stores/store.ts";
import { createGrantToken, keepGrant } from "./oauth/grants.ts";
import { digest, mintSecret, pairedPrefix } from "./tokens.ts";

/** All that the script in a browser may call. */
export const scriptTools = ["chat.add", "chat.clip", "chat.offer", "search"] as const;

/** The name under which the owner sees the script among the clients. */
export const scriptClient = { clientId: "userscript", clientName: "Userscript for chatgpt.com" } as const;

/** How long a code may be typed in, in milliseconds. */
export const codeLifetime = 10 * 60_000;

/** What the owner offers to one browser. */
export interface Offer {
  /** The token's name. */
  readonly name: string;
  readonly subject: string;
  /** When the token ends, in milliseconds since 1970; null for never. */
  readonly expiresAt: number | null;
}

export interface PairingStores {
  readonly store: OAuthStore;
  readonly tokens: TokenStore;
}

const kind = "Pairing";
/** Crockford's: no letter that is taken for a digit. Fifty bits, for ten minutes. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const half = 5;

/** Makes a code that is good for one browser, once. Only its hash is kept. */
export async function offerPairing(
  store: OAuthStore,
  offer: Offer,
  now: number,
): Promise<{ code: string; expiresAt: number }> {
  const letters = Array.from({ length: 2 * half }, () => alphabet[randomInt(alphabet.length)]).join("");
  const expiresAt = now + codeLifetime;
  await store.put({
    ...{ kind, id: digest(letters), alias: null, grant: null, body: JSON.stringify(offer) },
    ...{ createdAt: now, expiresAt, consumedAt: null },
  });
  return { code: `${letters.slice(0, half)}-${letters.slice(half)}`, expiresAt };
}

/** A code as it was made, however it was typed. */
const normalize = (typed: string): string =>
  typed.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");

export interface Paired {
  /** The token's id in the owner's list. */
  readonly grant: string;
  /** What the script puts before its own key: the two together, with a dot between them, are its token. */
  readonly token: string;
  readonly name: string;
  readonly subject: string;
  readonly tools: readonly string[];
  /** ISO 8601; null when it does not end. */
  readonly expiresAt: string | null;
}

export interface Redemption {
  readonly code: string;
  /** The script's own key, which it made itself and shows nobody else: without it the token is worth nothing. */
  readonly key: string;
  readonly now: number;
}

/** Wrong codes within a minute after which this process looks at none: nobody mistypes more, and of 2^50 codes as few can be guessed by each of many replicas. */
const mostWrong = 10;
const minuteMs = 60_000;

export type Pair = (redemption: Redemption) => Promise<Paired>;

/** Trades codes for tokens. Rejects with `PERMISSION_DENIED` for a code that is unknown, too old or used, all told alike. */
export function createPairing({ store, tokens }: PairingStores): Pair {
  let wrong: readonly { readonly at: number }[] = [];
  return async ({ code, key, now: at }) => {
    wrong = wrong.filter((one) => one.at > at - minuteMs);
    if (wrong.length >= mostWrong)
      throw new CallError("RATE_LIMITED", "Too many wrong codes were tried.", { details: { retryAfterMs: minuteMs } });
    // It counts as wrong until it is known to be right: many at the same time are as many.
    const tried = { at };
    wrong = [...wrong, tried];
    const id = digest(normalize(code));
    const record = await store.find(kind, id);
    const live = record !== undefined && (record.expiresAt ?? 0) > at;
    if (!live || !(await store.consume(kind, id, at))) throw unknownCode();
    wrong = wrong.filter((one) => one !== tried);
    const offer = JSON.parse(record.body) as Offer;
    const token = mintSecret(pairedPrefix);
    const made = await createGrantToken(
      { store, tokens },
      { ...offer, ...scriptClient, tools: scriptTools },
      at,
      `${token}.${key}`,
    );
    // Until it is known what the token may do, it may do nothing: see `findBearer`.
    await keepGrant(
      { store, tokens },
      `pairing:${made.id}`,
      { tokenId: made.id, ...scriptClient, tools: scriptTools },
      made,
    );
    const { name, subject, expiresAt } = made;
    return {
      ...{ grant: made.id, token, name, subject, tools: scriptTools },
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    };
  };
}

const unknownCode = (): CallError =>
  new CallError("PERMISSION_DENIED", "This code is not known, was used, or is too old.", {
    details: { scope: null, reason: "pairing", next: "The owner makes a new one: portcullis pair" },
  });
