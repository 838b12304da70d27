import { CallError } from "@portcullis/contracts";
import type { SessionRecord, SessionStore, TokenRecord, TokenStore } from "../stores/store.ts";
import { externalGrant, type Narrowing, type OAuthAccess } from "./oauth/access.ts";
import { findBearer } from "./oauth/bearer.ts";
import { digest, isLive, mintSecret } from "./tokens.ts";

/** How long a session lasts before it has to be refreshed, in milliseconds. */
export const sessionLifetime = 15 * 60_000;

export interface Stores {
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly oauth: OAuthAccess;
}

/** Where and when a session is opened, and by which program. */
export interface Opening {
  readonly door: string;
  readonly client: string;
  readonly now: number;
}

export interface OpenSession {
  /** The session's secret: the only time that it is seen. */
  readonly session: string;
  readonly subject: string;
  readonly expiresAt: string;
  readonly expiresInMs: number;
  /** False for a client's access token: its session ends with it. */
  readonly refreshable: boolean;
}

const unauthenticated = (message: string): CallError =>
  new CallError("UNAUTHENTICATED", message, {
    details: {
      next: "Send auth.exchange with a valid token; the owner makes one with `portcullis token create NAME --subject WHO`.",
    },
  });

const endOf = (token: Pick<TokenRecord, "expiresAt">, now: number): number =>
  Math.min(now + sessionLifetime, token.expiresAt ?? Number.POSITIVE_INFINITY);

const toAnswer = (
  secret: string,
  record: Pick<SessionRecord, "subject">,
  expiresAt: number,
  now: number,
): OpenSession => ({
  session: secret,
  subject: record.subject,
  expiresAt: new Date(expiresAt).toISOString(),
  expiresInMs: expiresAt - now,
  refreshable: true,
});

/** Trades a token for a session that ends with the token, or after fifteen minutes unless it is refreshed. */
export async function exchange(stores: Stores, token: string, { now, door, client }: Opening): Promise<OpenSession> {
  const found = await findBearer(stores, token, now);
  if (!found?.whole) throw unauthenticated("This token is not known, has expired or was revoked.");
  const secret = mintSecret("pcs_");
  const record: SessionRecord = {
    id: digest(secret),
    tokenId: found.grant,
    subject: found.subject,
    door,
    client: client.slice(0, 200),
    createdAt: now,
    expiresAt: endOf(found, now),
  };
  await stores.sessions.sweep(now);
  await stores.sessions.add(record);
  return { ...toAnswer(secret, record, record.expiresAt, now), refreshable: !found.client };
}

/** How long a connection's session lasts that is not refreshed, in milliseconds. */
const enrolledFor = 24 * 3_600_000;

/**
 * Lists what a client keeps open beside its token (an MCP session) among the sessions. Its secret leaves the server for nobody: it only ends
 * with the grant, by the owner's hand, or by `leave`.
 */
export async function enrol(
  stores: Pick<Stores, "sessions" | "tokens">,
  { grant, subject }: { readonly grant: string; readonly subject: string },
  { now, door, client }: Opening,
): Promise<string> {
  const secret = mintSecret("pcs_");
  const { expiresAt } = (await stores.tokens.find(grant)) ?? { expiresAt: null };
  const end = Math.min(now + enrolledFor, expiresAt ?? Number.POSITIVE_INFINITY);
  const about = { tokenId: grant, subject, door, client: client.slice(0, 200) };
  await stores.sessions.add({ id: digest(secret), ...about, createdAt: now, expiresAt: end });
  return secret;
}

/** Ends a session. */
export const leave = ({ sessions }: Pick<Stores, "sessions">, secret: string): Promise<void> =>
  sessions.remove(digest(secret));

/** Moves a live session's end fifteen minutes on. */
export async function refresh(stores: Stores, secret: string, now: number): Promise<OpenSession> {
  const live = await findSession(stores, secret, now);
  if (!live) throw unauthenticated("This session has ended.");
  if (live.client)
    throw unauthenticated("This session ends with its access token: send auth.exchange with a fresh one.");
  const expiresAt = endOf(live.token, now);
  if (!(await stores.sessions.extend(live.session.id, expiresAt))) throw unauthenticated("This session has ended.");
  return toAnswer(secret, live.session, expiresAt, now);
}

/** A session with whom it stands for. */
export interface LiveSession {
  readonly session: SessionRecord;
  readonly token: Pick<TokenRecord, "id" | "subject" | "owner" | "expiresAt">;
  /** Whether a client logged in with an access token. */
  readonly client: boolean;
  readonly narrowing?: Narrowing;
}

/** The session behind a secret with its token, as long as both are live: a revoked token ends its sessions at once. */
export async function findSession(stores: Stores, secret: string, now: number): Promise<LiveSession | undefined> {
  const session = await stores.sessions.find(digest(secret));
  if (!session || session.expiresAt <= now) return undefined;
  const { tokenId, subject, expiresAt } = session;
  // A login elsewhere is in no list of ours: it lasts as long as it said.
  if (tokenId.startsWith(externalGrant))
    return { session, token: { id: tokenId, subject, owner: false, expiresAt }, client: true };
  const token = await stores.tokens.find(tokenId);
  if (!token || !isLive(token, now)) return undefined;
  const narrowing = await stores.oauth.narrowing(token.id);
  return narrowing ? { session, token, client: true, narrowing } : { session, token, client: false };
}
