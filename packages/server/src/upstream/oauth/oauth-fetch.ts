import { allowInsecureRequests, customFetch } from "oauth4webapi";
import { createGuardedFetch, type GuardedFetch } from "../../network/guarded-fetch.ts";
import { toPort } from "../../network/parse-url.ts";

/** Why a login does not come about, or is over: a sentence for the owner that tells no secret. */
export class LoginFault extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "LoginFault";
  }
}

const limits = { totalMs: 15_000, bodyBytes: 256 * 1024, redirects: 0 };

interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type OAuthFetch = (url: string, asked: Asked) => Promise<Response>;

export interface OAuthFetchOptions {
  /** The URLs that the owner's configuration names: they alone may be at home, or without TLS where the configuration allows that. */
  readonly named: readonly string[];
  readonly limits?: Partial<typeof limits>;
}

/** Whether a URL may be asked, or shown to the owner, at all: https, or an origin that the configuration names. */
export const mayBeAsked = (url: string, named: readonly string[]): boolean =>
  URL.canParse(url) &&
  (new URL(url).protocol === "https:" || named.some((one) => new URL(one).origin === new URL(url).origin));

/** What is asked for a login goes the way of everything that leaves: judged addresses, no redirect, small answers, in time. */
export function createOAuthFetch({ named, limits: other }: OAuthFetchOptions): OAuthFetch {
  const homes = named.map((url) => new URL(url));
  const fetch: GuardedFetch = createGuardedFetch({
    limits: { ...limits, ...other },
    privateHosts: homes.map((url) => `${url.hostname}:${toPort(url)}`),
  });
  return async (url, { method, headers, body, signal }) => {
    if (!mayBeAsked(url, named)) throw new LoginFault(`${url.slice(0, 300)} is not https.`);
    try {
      const answer = await fetch({
        url,
        method,
        headers,
        ...(body && { body: String(body) }),
        ...(signal && { signal }),
        reach: ({ origin }) => (homes.some((home) => home.origin === origin) ? "private" : "public"),
      });
      const { status } = answer;
      const kept = new Headers();
      for (const name of ["content-type", "www-authenticate", "cache-control"])
        if (answer.headers[name] !== undefined) kept.set(name, answer.headers[name]);
      const bare = answer.body.length === 0 || status === 204 || status === 205 || status === 304;
      return new Response(bare ? null : Buffer.from(answer.body), {
        status: status < 200 ? 502 : status,
        headers: kept,
      });
    } catch (error) {
      throw new LoginFault((error as Error).message, error);
    }
  };
}

/** What the OAuth library is given with each request. Plain http is judged by the fetch. */
export const toRequestOptions = (fetch: OAuthFetch) => ({
  [customFetch]: (url: string, asked: Asked): Promise<Response> => fetch(url, asked),
  [allowInsecureRequests]: true,
});
