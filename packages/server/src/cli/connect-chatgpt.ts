import { createGuardedFetch } from "../network/guarded-fetch.ts";
import { parseUrl, toPort } from "../network/parse-url.ts";
import { tokenVariable } from "./client-target.ts";
import { type Invocation, text } from "./command.ts";
import { callThrough, type Looking, openRemote, type Step, toSearchStep } from "./connect-check.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { settingsOf } from "./settings-of.ts";

const patienceMs = 15_000;

/** Tells how ChatGPT is connected: there is no file to write, since it keeps its connectors on its own site. */
export function tellChatGpt(invocation: Invocation): Exit {
  const settings = settingsOf({ ...invocation, positionals: [] });
  const url = toOrigin(text(invocation.values, "url") ?? (settings.publicUrl || "https://YOUR-NAME"));
  const entry = { url: `${url}/mcp`, authentication: "OAuth" };
  print(
    invocation.output,
    { client: "chatgpt", ...entry, profile: settings.profile },
    [
      "ChatGPT reaches a server from OpenAI's side, so it needs one of these:",
      "",
      "1. A public URL by a tunnel or proxy of your own, with TLS. Let it pass /mcp, /sse/, /oauth/ and /.well-known/, and",
      `   portcullis serve DIR --public-url ${url}    # with behindProxy in portcullis.yaml`,
      "   In ChatGPT: Settings, Connectors (Apps), Create. Then:",
      `     URL             ${entry.url}`,
      `     authentication  ${entry.authentication}; nothing else is asked for. The login page is Portcullis's own (docs/oauth.md).`,
      `   Check it from here:  portcullis connect chatgpt --url ${url} --check`,
      "",
      "2. OpenAI's Secure MCP Tunnel: its tunnel-client runs beside Portcullis, calls out to OpenAI, and forwards to",
      `     http://127.0.0.1:${settings.port}/mcp`,
      "   Nothing is open to the internet then. docs/connect.md tells how.",
      "",
      `What it sees: with --profile chatgpt, \`search\` and \`fetch\` alone, as connectors and deep research need them${settings.profile === "chatgpt" ? " (set)" : ` (now: ${settings.profile})`}.`,
      "ChatGPT has ways out of its own: it is never given private and untrusted content in one line of work (docs/flow.md).",
    ].join("\n"),
  );
  return exits.ok;
}

/** Looks at a public URL as ChatGPT does: discovery, the refusal that begins a login, and with a token search and fetch. */
export async function checkChatGpt(invocation: Invocation, query: string): Promise<readonly Step[]> {
  const { publicUrl } = settingsOf({ ...invocation, positionals: [] });
  const given = text(invocation.values, "url") ?? publicUrl;
  if (given === "")
    throw new CommandError(
      exits.usage,
      "--check needs the public URL.",
      "portcullis connect chatgpt --url https://HOST --check",
    );
  const origin = toOrigin(given);
  const ask = createAsk(origin);
  const https = origin.startsWith("https://");
  const steps: Step[] = [
    { what: "url", state: https ? "good" : "weak", says: https ? origin : `${origin}, but ChatGPT takes https alone` },
  ];
  const [resource, challenge] = await Promise.all([lookAtResource(ask, origin), lookAtChallenge(ask, origin)]);
  steps.push(resource.step);
  for (const server of resource.servers.slice(0, 3)) steps.push(await lookAtServer(ask, server, origin));
  steps.push(challenge);
  const token = invocation.env[tokenVariable];
  if (!token)
    return [
      ...steps,
      {
        what: "search, fetch",
        state: "weak",
        says: `Not called: put a token into ${tokenVariable} (portcullis token create check --subject WHO).`,
      },
    ];
  const way = openRemote(`${origin}/mcp`, { authorization: `Bearer ${token}` });
  return [...steps, ...(await callThrough(way, query, lookAtBoth))];
}

function toOrigin(given: string): string {
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
    throw new CommandError(
      exits.usage,
      `${JSON.stringify(given)} is no URL.`,
      "portcullis connect chatgpt --url https://HOST",
    );
  const parsed = parseUrl(given);
  if ("fault" in parsed)
    throw new CommandError(exits.usage, parsed.fault.message, "portcullis connect chatgpt --url https://HOST");
  return parsed.url.origin;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: Readonly<Record<string, unknown>> | undefined;
}
type Ask = (url: string, body?: string) => Promise<Got>;

/** Asks the public URL, and no other host. */
function createAsk(origin: string): Ask {
  const { hostname } = new URL(origin);
  const privateHosts = [`${hostname}:${toPort(new URL(origin))}`];
  const fetch = createGuardedFetch({ limits: { totalMs: patienceMs, bodyBytes: 1_048_576 }, privateHosts });
  return async (url, body) => {
    const answer = await fetch({
      ...{ url, method: body === undefined ? "GET" : "POST" },
      headers: {
        accept: "application/json, text/event-stream",
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body }),
      reach: (next) => (next.origin === origin ? "private" : "closed"),
    });
    return { status: answer.status, headers: answer.headers, json: toJson(answer.body) };
  };
}

function toJson(body: Uint8Array): Got["json"] {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);

async function lookAtResource(
  ask: Ask,
  origin: string,
): Promise<{ readonly step: Step; readonly servers: readonly string[] }> {
  const what = "protected resource";
  const url = `${origin}/.well-known/oauth-protected-resource/mcp`;
  const fault = (says: string) => ({ step: { what, state: "bad" as const, says }, servers: [] });
  try {
    const { status, json } = await ask(url);
    if (status !== 200 || !json)
      return fault(`${url} answered ${status}: is OAuth on, and does the proxy pass /.well-known/?`);
    const { resource, authorization_servers: servers } = json;
    if (resource !== `${origin}/mcp`)
      return fault(`It names ${JSON.stringify(resource)}, not ${origin}/mcp: set publicUrl to ${origin}.`);
    const named = Array.isArray(servers) ? servers.filter((one): one is string => typeof one === "string") : [];
    if (named.length === 0) return fault("It names no authorization server.");
    return { step: { what, state: "good", says: `names ${named.join(", ")}` }, servers: named };
  } catch (error) {
    return fault(said(error));
  }
}

async function lookAtServer(ask: Ask, server: string, origin: string): Promise<Step> {
  const what = "authorization server";
  if (!URL.canParse(server)) return { what, state: "bad", says: `${JSON.stringify(server)} is no URL.` };
  const issuer = new URL(server);
  if (issuer.origin !== origin)
    return { what, state: "weak", says: `${issuer.origin} is an issuer elsewhere; it was not asked.` };
  const path = issuer.pathname === "/" ? "" : issuer.pathname;
  try {
    const { status, json } = await ask(`${origin}/.well-known/oauth-authorization-server${path}`);
    if (status !== 200 || !json) return { what, state: "bad", says: `Its metadata answered ${status}.` };
    const missing = ["authorization_endpoint", "token_endpoint", "registration_endpoint"].filter(
      (key) => typeof json[key] !== "string" || !String(json[key]).startsWith(origin),
    );
    if (missing.length > 0)
      return { what, state: "bad", says: `${missing.join(", ")} do not lie at ${origin}: set publicUrl.` };
    const methods = json.code_challenge_methods_supported;
    return Array.isArray(methods) && methods.includes("S256")
      ? { what, state: "good", says: "endpoints, registration and PKCE (S256)" }
      : { what, state: "bad", says: "It does not offer PKCE with S256." };
  } catch (error) {
    return { what, state: "bad", says: said(error) };
  }
}

async function lookAtChallenge(ask: Ask, origin: string): Promise<Step> {
  const what = "login";
  const begin = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "portcullis-check", version: "1" } },
  };
  try {
    const { status, headers } = await ask(`${origin}/mcp`, JSON.stringify(begin));
    const challenge = headers["www-authenticate"] ?? "";
    if (status !== 401)
      return { what, state: "bad", says: `${origin}/mcp without a token answered ${status} instead of 401.` };
    return /resource_metadata="/.test(challenge)
      ? { what, state: "good", says: "401 with WWW-Authenticate, as a login begins" }
      : {
          what,
          state: "bad",
          says: "401, but WWW-Authenticate names no resource_metadata: does the proxy drop the header?",
        };
  } catch (error) {
    return { what, state: "bad", says: said(error) };
  }
}

async function lookAtBoth({ call, tools, query }: Looking): Promise<readonly Step[]> {
  const missing = ["search", "fetch"].filter((name) => !tools.includes(name));
  if (missing.length > 0)
    return [{ what: "profile", state: "bad", says: `This subject has no ${missing.join(" and no ")}.` }];
  const steps: Step[] = [
    tools.length === 2
      ? { what: "profile", state: "good", says: "search and fetch alone" }
      : {
          what: "profile",
          state: "weak",
          says: `${tools.length} tools: connectors and deep research use search and fetch; profile: chatgpt shows these alone`,
        },
  ];
  const found = await call("search", { query });
  steps.push(toSearchStep(found));
  const { results = [] } = (found.structuredContent ?? {}) as {
    readonly results?: readonly { readonly id?: string }[];
  };
  const id = results[0]?.id;
  if (found.isError || id === undefined)
    return [
      ...steps,
      { what: "fetch", state: "weak", says: "Nothing was found to fetch: give a word of yours with --query." },
    ];
  const read = await call("fetch", { id });
  const { text: body, title, url } = (read.structuredContent ?? {}) as Readonly<Record<string, unknown>>;
  const whole = !read.isError && [body, title, url].every((one) => typeof one === "string");
  steps.push({
    what: "fetch",
    state: whole ? "good" : "bad",
    says: whole ? `read ${id}` : "It gave no id, title, text and url.",
  });
  return steps;
}
