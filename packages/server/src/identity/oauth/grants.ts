import { randomBytes } from "node:crypto";
import type { OAuthStore } from "../../stores/oauth-store.ts";
import { DuplicateName, type TokenRecord, type TokenStore } from "../../stores/store.ts";
import { createToken, digest, isLive } from "../tokens.ts";

/** What the owner granted to one client: a token of `portcullis token list` that nobody holds, with what narrows it. */
export interface ClientGrant {
  /** The token under which it is listed, revoked and limited. */
  readonly tokenId: string;
  readonly clientId: string;
  readonly clientName: string;
  /** The tools that the owner left open to the client; policy still judges each call. */
  readonly tools: readonly string[];
}

export interface NewGrant {
  readonly name: string;
  readonly subject: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly tools: readonly string[];
  /** Milliseconds since the epoch; null for one that ends only when it is withdrawn. */
  readonly expiresAt: number | null;
}

export interface GrantStores {
  readonly store: OAuthStore;
  readonly tokens: TokenStore;
}

const kind = "Consent";
const mostNames = 20;

/** Makes the token of a grant, which nobody knows unless it is given, under the first free name of `name`, `name-2`, `name-3` …, and after many of these under one that is free for sure. */
export async function createGrantToken(
  { tokens }: GrantStores,
  wanted: NewGrant,
  now: number,
  token?: string,
): Promise<TokenRecord> {
  const { name, subject, expiresAt } = wanted;
  for (let count = 1; ; count++) {
    const suffix = count > mostNames ? `-${randomBytes(5).toString("hex")}` : count > 1 ? `-${count}` : "";
    const numbered = `${name.slice(0, 64 - suffix.length)}${suffix}`;
    try {
      return (await createToken(tokens, { name: numbered, subject, expiresAt }, now, token)).record;
    } catch (error) {
      if (!(error instanceof DuplicateName) || count > mostNames + 3) throw error;
    }
  }
}

/** Ties what was granted to the provider's id of it. */
export async function keepGrant(
  { store }: GrantStores,
  grantId: string,
  grant: ClientGrant,
  token: TokenRecord,
): Promise<void> {
  const { createdAt, expiresAt, id } = token;
  const body = JSON.stringify(grant);
  await store.put({ kind, id: digest(grantId), alias: id, grant: null, body, createdAt, expiresAt, consumedAt: null });
}

/** What the owner granted under a provider's id, withdrawn or not. */
export async function findGrantOf(store: OAuthStore, grantId: string): Promise<ClientGrant | undefined> {
  const record = await store.find(kind, digest(grantId));
  return record && (JSON.parse(record.body) as ClientGrant);
}

/** Whether what was granted under a provider's id still holds: as long as its token is live. */
export async function isGranted({ store, tokens }: GrantStores, grantId: string, now: number): Promise<boolean> {
  const grant = await findGrantOf(store, grantId);
  const token = grant && (await tokens.find(grant.tokenId));
  return token !== undefined && isLive(token, now);
}

/** What narrows a token; undefined for one that no client was granted. */
export async function findGrantOfToken(store: OAuthStore, tokenId: string): Promise<ClientGrant | undefined> {
  const record = await store.findByAlias(kind, tokenId);
  return record && (JSON.parse(record.body) as ClientGrant);
}

/** Withdraws a grant: its token is revoked, and with that everything that was issued for it. */
export async function withdrawGrant({ store, tokens }: GrantStores, grantId: string, now: number): Promise<void> {
  const grant = await findGrantOf(store, grantId);
  if (grant) await tokens.revoke(grant.tokenId, now);
}

/** All that was ever granted, withdrawn or not, oldest first. */
export const listGrants = async (store: OAuthStore): Promise<readonly ClientGrant[]> =>
  (await store.list(kind)).map(({ body }) => JSON.parse(body) as ClientGrant);
