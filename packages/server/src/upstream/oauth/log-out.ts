import { processRevocationResponse, revocationRequest } from "oauth4webapi";
import { namedOf, type OAuthSettings } from "./log-in.ts";
import { forgetLogin, type Login, readLogin } from "./login-file.ts";
import { withLoginLock } from "./login-lock.ts";
import { createOAuthFetch, toRequestOptions } from "./oauth-fetch.ts";
import { toClient, toClientAuth, toLoginFault } from "./token-requests.ts";

export interface LoggedOut {
  /** False when there was no login. */
  readonly was: boolean;
  /** Whether the server that gave the tokens has taken them back. */
  readonly revoked: boolean;
  /** Why it has not. */
  readonly why?: string;
}

/** Has the tokens revoked (RFC 7009) and forgets the login, also when the server cannot be reached: what is here is gone in any case. */
export const logOut = (file: string, oauth: OAuthSettings): Promise<LoggedOut> =>
  withLoginLock(file, async () => {
    let login: Login | undefined;
    try {
      login = readLogin(file);
    } catch (error) {
      forgetLogin(file);
      return { was: true, revoked: false, why: `${(error as Error).message}.` };
    }
    try {
      if (!login) return { was: false, revoked: false };
      await revoke(login, oauth);
      return { was: true, revoked: true };
    } catch (error) {
      return { was: true, revoked: false, why: (error as Error).message };
    } finally {
      forgetLogin(file);
    }
  });

async function revoke({ url, server, client, tokens }: Login, oauth: OAuthSettings): Promise<void> {
  if (!tokens) return;
  if (server.revocation_endpoint === undefined)
    throw new Error(`${server.issuer} has no way to take tokens back; they end by themselves.`);
  const options = toRequestOptions(createOAuthFetch({ named: namedOf(url, oauth) }));
  const auth = toClientAuth(server, client.client_secret ?? oauth.clientSecret);
  // The one that others are made with goes first.
  for (const token of [tokens.refresh, tokens.access]) {
    if (token === undefined) continue;
    try {
      const answer = await revocationRequest(server, toClient(client.client_id), auth, token, options);
      await processRevocationResponse(answer);
    } catch (error) {
      throw toLoginFault(error, `${server.issuer} did not take the tokens back`);
    }
  }
}
