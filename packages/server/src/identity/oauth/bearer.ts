import type { TokenStore } from "../../stores/store.ts";
import { digest, isLive, pairedPrefix } from "../tokens.ts";
import type { Narrowing, OAuthAccess } from "./access.ts";

/** Who shows a token, whichever way it was come by. */
export interface Bearer {
  readonly subject: string;
  readonly owner: boolean;
  /** What limits, flows and sessions hang on: the id of a token of the owner's list, or of a login elsewhere. */
  readonly grant: string;
  /** Milliseconds since the epoch; null for a token that ends only when it is revoked. */
  readonly expiresAt: number | null;
  readonly narrowing?: Narrowing;
  /** Whether a client logged in with an access token, which bounds whatever comes of it. */
  readonly client: boolean;
  /** Whether a session may stand for it: not for an access token that has less than was granted. */
  readonly whole: boolean;
  /** True for a script in a browser: it may call its tools over HTTP, and do nothing else. */
  readonly callsOnly?: true;
}

/** Whom a token belongs to; undefined when it is unknown, expired, revoked, or meant for another server. */
export async function findBearer(
  { tokens, oauth }: { readonly tokens: TokenStore; readonly oauth: OAuthAccess },
  text: string,
  now: number,
): Promise<Bearer | undefined> {
  const bearer = await oauth.find(text, now);
  if (bearer) return bearer;
  const token = await tokens.findByHash(digest(text));
  if (!token || !isLive(token, now)) return undefined;
  const { subject, owner, id, expiresAt } = token;
  if (text.startsWith(pairedPrefix)) {
    const narrowing = await oauth.narrowing(id);
    if (!narrowing) return undefined;
    return { subject, owner: false, grant: id, expiresAt, narrowing, client: true, whole: false, callsOnly: true };
  }
  return { subject, owner, grant: id, expiresAt, client: false, whole: true };
}
