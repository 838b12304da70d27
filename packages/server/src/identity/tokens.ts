import { hash, randomBytes } from "node:crypto";
import { ulid } from "ulid";
import type { TokenRecord, TokenStore } from "../stores/store.ts";

/** Leads every token that Portcullis mints, so that scanners (ours and others') know one when they see it. */
export const tokenPrefix = "pcl_";

/** Leads the tokens of scripts in browsers: one of them is nothing without what the owner granted to it. */
export const pairedPrefix = "pcb_";

/** What is kept instead of a secret: SHA-256 in hex. The secrets have 256 random bits, so no salt or stretching is needed. */
export const digest = (secret: string): string => hash("sha256", secret, "hex");

/** A new secret of 256 random bits with a prefix that says what it is for. */
export const mintSecret = (prefix: string): string => prefix + randomBytes(32).toString("base64url");

export interface NewToken {
  readonly name: string;
  readonly subject: string;
  readonly owner?: boolean;
  /** Milliseconds since the epoch; null for a token that ends only when it is revoked. */
  readonly expiresAt: number | null;
}

/** Mints a token and keeps its hash. The answer's `token` is the only time that its text is seen. */
export async function createToken(
  store: TokenStore,
  wanted: NewToken,
  now: number,
  token = mintSecret(tokenPrefix),
): Promise<{ readonly token: string; readonly record: TokenRecord }> {
  const record: TokenRecord = {
    id: ulid(now),
    name: wanted.name,
    subject: wanted.subject,
    hash: digest(token),
    owner: wanted.owner ?? false,
    createdAt: now,
    expiresAt: wanted.expiresAt,
    revokedAt: null,
  };
  await store.add(record);
  return { token, record };
}

/** Makes the owner's token when the data folder has none yet; undefined on every later start. */
export async function createOwnerToken(store: TokenStore, now: number): Promise<string | undefined> {
  const known = await store.list();
  if (known.some((record) => record.owner)) return undefined;
  const { token } = await createToken(store, { name: "owner", subject: "owner", owner: true, expiresAt: null }, now);
  return token;
}

/** Whether a token may still be used. */
export const isLive = (record: TokenRecord, now: number): boolean =>
  record.revokedAt === null && (record.expiresAt === null || record.expiresAt > now);

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads `30m`, `12h`, `90d`, `never`, or an ISO date, as a time after `now`; undefined when it is none of these or not in the future. */
export function toExpiry(text: string, now: number): number | null | undefined {
  if (text === "never") return null;
  const span = /^(\d{1,6})([smhdw])$/.exec(text);
  const at = span ? now + Number(span[1]) * (units[span[2] ?? ""] ?? Number.NaN) : Date.parse(text);
  return Number.isFinite(at) && at > now ? at : undefined;
}
