import { CallError } from "@portcullis/contracts";
import { processRefreshTokenResponse, refreshTokenGrantRequest } from "oauth4webapi";
import type { KnownSecret } from "../../redaction/known-secrets.ts";
import { stampOf } from "../pins.ts";
import { namedOf } from "./log-in.ts";
import { type Login, secretsOf, type Tokens, writeLogin } from "./login-file.ts";
import { withLoginLock } from "./login-lock.ts";
import { type LoginFor, type LoginState, readLoginState } from "./login-state.ts";
import { createOAuthFetch, type OAuthFetchOptions, toRequestOptions } from "./oauth-fetch.ts";
import { errorCode, toClient, toClientAuth, toLoginFault, toTokens } from "./token-requests.ts";

export interface UpstreamLoginOptions extends LoginFor {
  readonly name: string;
  /** Has these masked from now on; called before any of them is used. */
  know(secrets: readonly KnownSecret[]): void;
  readonly limits?: OAuthFetchOptions["limits"];
}

/** Portcullis' own login at one upstream server: nothing of a caller's has to do with it. */
export interface UpstreamLogin {
  /** Why the owner has to log in; undefined when there is a login. */
  fault(): CallError | undefined;
  /** A token to ask with, renewed when it is about to end. Rejects with a refusal, or the signal's reason. */
  token(signal?: AbortSignal): Promise<string>;
  /** A token in the place of one that the server refused. */
  renew(stale: string, signal?: AbortSignal): Promise<string>;
  /** The refusal for a server that takes not even a new token. */
  refused(): CallError;
  /** The refusal for a call that wants more than was granted: these scopes, where the server says which. */
  lacking(scope: string | undefined): CallError;
  /** Waits for a renewal that is under way: its outcome must not be lost. */
  stop(): Promise<void>;
}

/** A token is renewed this long before it ends (ms). */
const earlyMs = 30_000;
/** What a server says when a grant, or the client that it was given to, is gone for good. */
const gone = new Set(["invalid_grant", "invalid_client", "unauthorized_client"]);

type Whole = Login & { readonly tokens: Tokens };

export function createUpstreamLogin(options: UpstreamLoginOptions): UpstreamLogin {
  const { name, file, url, oauth, know } = options;
  const fetch = createOAuthFetch({ named: namedOf(url, oauth), ...(options.limits && { limits: options.limits }) });
  let seen: { readonly stamp: string | undefined; readonly state: LoginState } | undefined;
  /** Tokens that could not be written yet: the ones on the disk are void already. */
  let unsaved: Whole | undefined;
  let renewing: Promise<string> | undefined;

  const read = (): LoginState => {
    const stamp = stampOf(file);
    if (seen && seen.stamp === stamp) return seen.state;
    const state = readLoginState(options);
    if ("login" in state) know(secretsOf(name, state.login));
    seen = { stamp, state };
    return state;
  };

  const toNeeded = (why: string): CallError =>
    new CallError("UPSTREAM", `Portcullis is not logged in to ${name}: ${why}.`, {
      details: {
        source: name,
        reason: "login",
        next: `Tell the user that the owner has to run: portcullis upstream login ${name}`,
      },
    });

  const toAway = (cause: unknown): CallError =>
    new CallError("UPSTREAM", `The login at ${name} could not be renewed now.`, {
      cause: toLoginFault(cause, "The renewal failed"),
      details: { source: name, reason: "login_renewal", next: "Try again later." },
    });

  const current = (): Whole => {
    const state = read();
    if ("needed" in state) throw toNeeded(state.needed);
    return state.login;
  };

  const save = (login: Whole): string => {
    know(secretsOf(name, login));
    unsaved = login;
    // Before it is used: a token that is used and then lost would end the login.
    writeLogin(file, login);
    unsaved = undefined;
    return login.tokens.access;
  };

  const end = (login: Whole, why: string): CallError => {
    const { tokens: _, ...rest } = login;
    writeLogin(file, { ...rest, ended: why });
    return toNeeded(why);
  };

  const ask = async ({ server, client, resource, tokens }: Whole, refresh: string): Promise<Tokens> => {
    const asked = toClient(client.client_id);
    const auth = toClientAuth(server, client.client_secret ?? oauth.clientSecret);
    const more = { additionalParameters: { resource }, ...toRequestOptions(fetch) };
    const answer = await refreshTokenGrantRequest(server, asked, auth, refresh, more);
    return toTokens(await processRefreshTokenResponse(server, asked, answer), Date.now(), tokens);
  };

  const renewAlone = async (stale: string): Promise<string> => {
    seen = undefined;
    const login = current();
    // A login of the owner's since then counts more than what could not be written.
    if (unsaved && unsaved.since === login.since) return save(unsaved);
    unsaved = undefined;
    // Another process was first.
    if (login.tokens.access !== stale && !isOver(login.tokens)) return login.tokens.access;
    const { refresh } = login.tokens;
    if (refresh === undefined) throw end(login, "its token has ended, and there is none to renew it with");
    let tokens: Tokens;
    try {
      tokens = await ask(login, refresh);
    } catch (error) {
      const code = errorCode(error);
      if (code !== undefined && gone.has(code))
        throw end(login, `${login.server.issuer} has ended the login (${code})`);
      throw error;
    }
    return save({ ...login, tokens });
  };

  /** One renewal at a time, for all that wait for it; whoever gives up does not end it. */
  const renew = async (stale: string, signal?: AbortSignal): Promise<string> => {
    renewing ??= withLoginLock(file, () => renewAlone(stale))
      .catch((error: unknown) => {
        throw error instanceof CallError ? error : toAway(error);
      })
      .finally(() => {
        renewing = undefined;
      });
    return signal ? Promise.race([renewing, untilAborted(signal)]) : renewing;
  };

  // What is kept is masked from the start.
  read();

  return {
    fault() {
      const state = read();
      return "needed" in state ? toNeeded(state.needed) : undefined;
    },
    async token(signal) {
      const { tokens } = current();
      return unsaved || isOver(tokens) ? renew(tokens.access, signal) : tokens.access;
    },
    renew,
    refused: () => toNeeded("it takes not even a token that was given a moment ago"),
    lacking: (scope) =>
      new CallError("UPSTREAM", `The login at ${name} does not reach so far.`, {
        details: {
          source: name,
          reason: "login_scope",
          ...(scope !== undefined && { scope }),
          next: `Tell the user that the owner has to write what is needed into oauth.scope of ${name}, and run: portcullis upstream login ${name}`,
        },
      }),
    async stop() {
      await renewing?.catch(() => {});
    },
  };
}

const isOver = ({ expiresAt }: Tokens): boolean => expiresAt !== undefined && expiresAt - earlyMs <= Date.now();

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
