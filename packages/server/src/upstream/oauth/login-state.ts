import type { OAuthSettings } from "./log-in.ts";
import { type Login, readLogin } from "./login-file.ts";

export interface LoginFor {
  readonly file: string;
  /** The upstream server's address as the configuration has it. */
  readonly url: string;
  readonly oauth: OAuthSettings;
}

export type LoginState =
  | { readonly login: Login & { readonly tokens: NonNullable<Login["tokens"]> } }
  | { readonly needed: string };

/** What there is of a login, or why the owner has to log in. A login made for another address, client or issuer is none. */
export function readLoginState({ file, url, oauth }: LoginFor): LoginState {
  let login: Login | undefined;
  try {
    login = readLogin(file);
  } catch (error) {
    return { needed: (error as Error).message };
  }
  if (!login) return { needed: "there is no login yet" };
  const { tokens, client, server } = login;
  if (login.url !== url)
    return { needed: `the login was for ${login.url}, and the configuration names another address` };
  if (oauth.clientId !== undefined && oauth.clientId !== client.client_id)
    return { needed: "the login was another client's than the configuration names" };
  if (oauth.issuer !== undefined && !isSame(oauth.issuer, server.issuer))
    return { needed: `the login was at ${server.issuer}, and the configuration names another issuer` };
  if (!tokens) return { needed: login.ended ?? "the login has ended" };
  return { login: { ...login, tokens } };
}

const isSame = (a: string, b: string): boolean =>
  URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href;
