import {
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  None,
  ResponseBodyError,
  type TokenEndpointResponse,
} from "oauth4webapi";
import type { Tokens } from "./login-file.ts";
import { LoginFault } from "./oauth-fetch.ts";

/** How a client shows who it is: with its secret where it has one, in the way that the server takes. */
export function toClientAuth(server: AuthorizationServer, secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  // RFC 8414, 2: without a word of it, it is Basic.
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}

const longest = 16_384;

/** The tokens of an answer; one that is not given anew stays as it was. Throws `LoginFault`. */
export function toTokens(answer: TokenEndpointResponse, now: number, before?: Tokens): Tokens {
  const { access_token: access, refresh_token: refresh = before?.refresh, expires_in: seconds } = answer;
  if (answer.token_type.toLowerCase() !== "bearer") throw new LoginFault("The tokens are of a kind that is not used.");
  for (const token of [access, refresh ?? "none"])
    if (token.length > longest || !/^[\x21-\x7e]+$/.test(token))
      throw new LoginFault("The server gave a token that cannot stand in a header.");
  const scope = answer.scope ?? before?.scope;
  return {
    access,
    ...(refresh !== undefined && { refresh }),
    ...(seconds !== undefined && { expiresAt: now + seconds * 1_000 }),
    ...(scope !== undefined && { scope }),
  };
}

/** The code of an OAuth error that a server answered with, in letters that can be shown. */
export const errorCode = (error: unknown): string | undefined =>
  error instanceof ResponseBodyError ? error.error.replace(/[^\w.-]/g, "").slice(0, 64) : undefined;

/** A failure of the library or the network in words for the owner; what a server wrote in a description is left out. */
export function toLoginFault(error: unknown, what: string): LoginFault {
  if (error instanceof LoginFault) return error;
  const code = errorCode(error);
  return new LoginFault(`${what}: ${code ?? (error as Error).message.slice(0, 200)}.`, error);
}

/** The client as the library takes it. */
export const toClient = (id: string): Client => ({ client_id: id });
