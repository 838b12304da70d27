import { type FetchLike, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { GuardedFetch, GuardedResponse } from "../../network/guarded-fetch.ts";
import { shapeFault } from "../../upstream/json-shape.ts";
import type { UpstreamLogin } from "../../upstream/oauth/upstream-login.ts";
import { mayList, trimListing } from "./listing.ts";

export interface HttpWayOptions {
  readonly url: string;
  /** Sent with every request: the owner's, and never anything of a caller's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Our own login there, where the server wants one. */
  readonly login?: UpstreamLogin;
  readonly fetch: GuardedFetch;
}

const passed = [
  "accept",
  "content-type",
  "last-event-id",
  "mcp-session-id",
  "mcp-protocol-version",
  "mcp-method",
  "mcp-name",
];

/** MCP's Streamable HTTP over the guarded fetch: one address, no redirect to another, every answer read whole and bounded. */
export function openHttpWay(options: HttpWayOptions): StreamableHTTPClientTransport {
  const way = new StreamableHTTPClientTransport(new URL(options.url), {
    fetch: toFetch(options),
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
    },
  });
  return way;
}

function toFetch({ url, headers, login, fetch }: HttpWayOptions): FetchLike {
  const own = new URL(url);
  return async (asked, init) => {
    const method = init?.method ?? "GET";
    // A stream that stays open would have to be read for ever; what it could tell is asked for instead.
    if (method === "GET") return new Response(null, { status: 405 });
    const target = new URL(asked).href;
    if (target !== own.href) throw new Error("That is not the server's address.");
    const given = new Headers(init?.headers);
    const sent: Record<string, string> = {};
    for (const [name, value] of given) if (passed.includes(name) || name.startsWith("mcp-param-")) sent[name] = value;
    const ask = (token?: string): Promise<GuardedResponse> =>
      fetch({
        url: target,
        method,
        headers: { ...sent, ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        ...(typeof init?.body === "string" && { body: init.body }),
        ...(init?.signal && { signal: init.signal }),
        reach: (next) => (next.href === own.href ? "private" : "closed"),
      });
    const answer = await (login ? askLoggedIn(login, ask, init?.signal ?? undefined) : ask());
    return toResponse(answer.status, answer.headers, answer.body);
  };
}

/** What a server refuses for its token, it has not done: it is asked once more with a new one. */
async function askLoggedIn(
  login: UpstreamLogin,
  ask: (token: string) => Promise<GuardedResponse>,
  signal: AbortSignal | undefined,
): Promise<GuardedResponse> {
  const token = await login.token(signal);
  let answer = await ask(token);
  if (answer.status === 401) answer = await ask(await login.renew(token, signal));
  if (answer.status === 401) throw login.refused();
  const challenge = answer.headers["www-authenticate"] ?? "";
  if (answer.status === 403 && /error="?insufficient_scope/i.test(challenge))
    throw login.lacking(/[\s,]scope="([\x20-\x21\x23-\x5b\x5d-\x7e]{1,300})"/i.exec(challenge)?.[1]);
  return answer;
}

function toResponse(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): Response {
  const bare = status === 204 || status === 205 || status === 304 || body.length === 0;
  const kept = new Headers();
  for (const name of ["content-type", "mcp-session-id"]) if (headers[name] !== undefined) kept.set(name, headers[name]);
  const text = bare ? "" : Buffer.from(body).toString("utf8");
  const wrong = shapeFault(toJson(text, headers["content-type"] ?? ""));
  if (wrong !== undefined) throw new Error(`The answer ${wrong}.`);
  return new Response(bare ? null : trimBody(text, headers["content-type"] ?? ""), {
    status: status < 200 ? 502 : status,
    headers: kept,
  });
}

/** What of a body will be read as JSON: all data of a stream together, and nothing of a page. */
function toJson(text: string, type: string): string {
  if (/^\s*[{[]/.test(text)) return text;
  if (!type.startsWith("text/event-stream")) return "";
  return text
    .split(/[\r\n]+/)
    .flatMap((line) => (line.startsWith("data:") ? line.slice(5) : []))
    .join("\n");
}

/** Cuts listings before the SDK reads them, in JSON and in the events of a stream. */
function trimBody(text: string, type: string): string {
  if (!mayList(text)) return text;
  const trim = (json: string): string => {
    try {
      const message: unknown = JSON.parse(json);
      const trimmed = trimListing(message);
      return trimmed === message ? json : JSON.stringify(trimmed);
    } catch {
      return json;
    }
  };
  if (!type.startsWith("text/event-stream")) return trim(text);
  return text.replace(/^data: ?(\{.*\})\r?$/gm, (_, json: string) => `data: ${trim(json)}`);
}
