import { createHash, randomBytes } from "node:crypto";
import { type Arrived, type Browser, createBrowser, readForm } from "./browser.ts";

/** A server with its owner, as the tests' worlds have them. */
export interface Home {
  readonly listening: { readonly http: string; readonly mcp: string };
  readonly ownerToken: string;
}

export const redirectUri = "http://127.0.0.1:4567/callback";

/** Proof key for code exchange (RFC 7636). */
export function createProofKey(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the endpoint answered
  readonly body: any;
}

export async function post(
  url: string,
  body: URLSearchParams | object,
  headers: Record<string, string> = {},
): Promise<Posted> {
  const form = body instanceof URLSearchParams;
  const response = await fetch(url, {
    method: "POST",
    headers: { ...(!form && { "content-type": "application/json" }), ...headers },
    body: form ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

/** Registers a client and gives its id. */
export async function register(home: Home, metadata: object = {}): Promise<string> {
  const wanted = { client_name: "Test Client", redirect_uris: [redirectUri], ...metadata };
  const { status, body } = await post(`${home.listening.http}/oauth/register`, wanted);
  if (status !== 201) throw new Error(`The registration was refused: ${JSON.stringify(body)}`);
  return body.client_id as string;
}

export interface Request {
  readonly clientId: string;
  readonly challenge: string;
  /** Parameters in the place of the usual ones; undefined leaves one out. */
  readonly params?: Readonly<Record<string, string | undefined>>;
}

export function authorizationUrl(home: Home, { clientId, challenge, params = {} }: Request): URL {
  const url = new URL("/oauth/authorize", home.listening.http);
  const all = {
    client_id: clientId,
    response_type: "code",
    redirect_uri: redirectUri,
    scope: "mcp:read",
    state: "state-1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource: home.listening.mcp,
    ...params,
  };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** Proves with the owner's token who sits there, and arrives at the page that asks. */
export async function signIn(home: Home, browser: Browser, page: Arrived): Promise<Arrived> {
  const form = readForm(page.html);
  form.set("token", home.ownerToken);
  return browser.visit(new URL("/oauth/login", home.listening.http), { form });
}

export interface Answer {
  readonly decision?: "allow" | "refuse" | "show";
  readonly tools?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
}

/** Sends the form of the page that asks, as it stands unless told otherwise. */
export async function answer(
  browser: Browser,
  page: Arrived,
  { decision = "allow", tools, fields = {} }: Answer = {},
): Promise<Arrived> {
  const form = readForm(page.html);
  form.set("decision", decision);
  if (tools) {
    form.delete("tool");
    for (const tool of tools) form.append("tool", tool);
  }
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return browser.visit(page.url, { form });
}

/** Goes where a client sends its user, and lets it in: the URL that the browser was sent back to. */
export async function letIn(home: Home, url: string | URL, how: Answer = {}): Promise<URL> {
  const browser = createBrowser();
  const asked = await signIn(home, browser, await browser.visit(url, { crossSite: true }));
  const left = await answer(browser, asked, how);
  if (left.status !== 0)
    throw new Error(`The browser stayed at ${left.url}: ${left.html.replace(/<[^>]+>/g, " ").slice(-600)}`);
  return left.url;
}

export interface LoggedIn {
  readonly clientId: string;
  readonly access: string;
  readonly refresh: string;
  readonly scope: string;
  readonly code: string;
  readonly verifier: string;
}

export interface LoginOptions extends Answer {
  readonly clientId?: string;
  readonly params?: Request["params"];
}

/** A whole login of a new client, from its registration to its tokens. */
export async function logIn(home: Home, options: LoginOptions = {}): Promise<LoggedIn> {
  const clientId = options.clientId ?? (await register(home));
  const { verifier, challenge } = createProofKey();
  const url = authorizationUrl(home, { clientId, challenge, ...(options.params && { params: options.params }) });
  const code = (await letIn(home, url, options)).searchParams.get("code") ?? "";
  const { status, body } = await redeem(home, { clientId, code, verifier });
  if (status !== 200) throw new Error(`The code was refused: ${JSON.stringify(body)}`);
  return { clientId, access: body.access_token, refresh: body.refresh_token, scope: body.scope, code, verifier };
}

/** Trades a code for tokens. */
export const redeem = (
  home: Home,
  {
    clientId,
    code,
    verifier,
    more = {},
  }: { clientId: string; code: string; verifier: string; more?: Readonly<Record<string, string>> },
): Promise<Posted> =>
  post(
    `${home.listening.http}/oauth/token`,
    new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      client_id: clientId,
      code_verifier: verifier,
      ...more,
    }),
  );

export const refresh = (
  home: Home,
  clientId: string,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Posted> =>
  post(
    `${home.listening.http}/oauth/token`,
    new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, client_id: clientId, ...more }),
  );

/** The status that a token gets at the HTTP mirror. */
export async function statusOf(home: Home, token: string): Promise<number> {
  const response = await fetch(`${home.listening.http}/v1/tools`, { headers: { authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.status;
}
