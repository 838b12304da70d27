import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "../support/oauth/browser.ts";
import {
  authorizationUrl,
  createProofKey,
  letIn,
  logIn,
  post,
  redirectUri,
  register,
  statusOf,
} from "../support/oauth/login.ts";
import { openWorld, type World } from "../support/world.ts";

/* Every parameter of every endpoint: missing, given twice, empty, wrong, too long. Nothing is granted, and nothing fails inside. */

let world: World;
let clientId: string;
let other: string;
const { verifier, challenge } = createProofKey();

beforeAll(async () => {
  world = await openWorld({ settings: "limits: { turnCalls: 1000 }\n" });
  clientId = await register(world);
  other = await register(world, { redirect_uris: [redirectUri, "https://app.example/cb"] });
});
afterAll(() => world?.close());

/** Ways to spoil one parameter. */
const spoiled: Readonly<Record<string, (params: URLSearchParams, name: string) => void>> = {
  missing: (params, name) => params.delete(name),
  empty: (params, name) => params.set(name, ""),
  "given twice": (params, name) => params.append(name, params.get(name) ?? ""),
  "given twice, the second wrong": (params, name) => params.append(name, "wrong"),
  wrong: (params, name) => params.set(name, "wrong"),
  "with a line break": (params, name) => params.set(name, `${params.get(name)}\r\nx: y`),
  "with a NUL": (params, name) => params.set(name, `${params.get(name)}\0`),
  "too long": (params, name) => params.set(name, "x".repeat(9_000)),
  "of another script": (params, name) => params.set(name, "ｗｒｏｎｇ\u202e"),
};

const pairs = (names: readonly string[]): [string, string][] =>
  names.flatMap((name) => Object.keys(spoiled).map((how): [string, string] => [name, how]));

describe("the authorization endpoint refuses", () => {
  const names = [
    "client_id",
    "response_type",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "scope",
    "resource",
  ];
  /** What may be left out or spoiled without harm: the owner is then asked for no more than the least. */
  const harmless = new Set([
    "scope missing",
    "scope empty",
    "resource missing",
    "resource empty",
    "resource given twice",
  ]);
  // The one registered redirect URI stands for a missing one (RFC 6749, 3.1.2.3).
  harmless.add("redirect_uri missing").add("redirect_uri empty");
  // Scopes that are not known are left out (RFC 6749, 3.3).
  harmless.add("scope wrong").add("scope too long");

  test.each(pairs(names).filter(([name, how]) => !harmless.has(`${name} ${how}`)))("%s %s", async (name, how) => {
    const url = authorizationUrl(world, { clientId, challenge });
    spoiled[how]?.(url.searchParams, name);
    const page = await createBrowser().visit(url);
    expect(page.status).toBeLessThan(500);
    const stays = page.url.origin === world.listening.http;
    if (stays) expect(page.url.pathname).not.toContain("/oauth/consent/");
    // An error may go to the client's own registered address, and to no other.
    else expect(page.url.origin + page.url.pathname).toBe(redirectUri);
    expect(page.url.href).not.toContain("code=");
    if (!stays) expect(page.url.href).toContain("error=");
    else expect(page.status).toBeGreaterThanOrEqual(400);
  });

  test.each([...harmless].map((what) => [what]))("nothing for: %s; the owner is asked", async (what) => {
    const at = what.indexOf(" ");
    const url = authorizationUrl(world, { clientId, challenge });
    spoiled[what.slice(at + 1)]?.(url.searchParams, what.slice(0, at));
    const page = await createBrowser().visit(url);
    expect(page.status).toBeLessThan(500);
    if (page.url.origin === world.listening.http) expect(page.html).toContain("token");
    expect(page.url.href).not.toContain("code=");
  });
});

/** A code that was granted and not yet redeemed. */
async function authorize(): Promise<URLSearchParams> {
  const back = await letIn(world, authorizationUrl(world, { clientId, challenge }));
  return new URLSearchParams({
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: redirectUri,
    client_id: clientId,
    code_verifier: verifier,
    resource: world.listening.mcp,
  });
}

const token = (body: URLSearchParams, headers: Record<string, string> = {}) =>
  post(`${world.listening.http}/oauth/token`, body, headers);

const errors = [
  "invalid_request",
  "invalid_grant",
  "invalid_client",
  "invalid_target",
  "invalid_scope",
  "unsupported_grant_type",
  "unauthorized_client",
];

function expectRefused({ status, body }: Awaited<ReturnType<typeof post>>): void {
  expect([400, 401, 413]).toContain(status);
  expect(body).not.toHaveProperty("access_token");
  expect(errors).toContain(body.error);
}

describe("the token endpoint refuses, for a code,", () => {
  const names = ["grant_type", "code", "redirect_uri", "client_id", "code_verifier", "resource"];
  // OAuth 2.1 asks for no redirect URI here: the proof key binds the code to its request.
  const harmless = new Set([
    "redirect_uri missing",
    "redirect_uri empty",
    "resource missing",
    "resource empty",
    "resource given twice",
    "resource given twice, the second wrong",
  ]);
  test.each(pairs(names).filter(([name, how]) => !harmless.has(`${name} ${how}`)))("%s %s", async (name, how) => {
    const body = await authorize();
    spoiled[how]?.(body, name);
    expectRefused(await token(body));
  });

  test.each([...harmless])("nothing for: %s; the token is for this server alone", async (what) => {
    const body = await authorize();
    spoiled[what.slice(what.indexOf(" ") + 1)]?.(body, what.slice(0, what.indexOf(" ")));
    const { status, body: answered } = await token(body);
    expect(status).toBe(200);
    expect(await statusOf(world, answered.access_token)).toBe(200);
  });

  test("another client, whose redirect is the same", async () => {
    const body = await authorize();
    body.set("client_id", other);
    expectRefused(await token(body));
  });

  test("parameters in the query, in JSON, and a body that is none", async () => {
    const body = await authorize();
    const url = `${world.listening.http}/oauth/token?${body}`;
    for (const [target, sent, type] of [
      [url, "", "application/x-www-form-urlencoded"],
      [`${world.listening.http}/oauth/token`, JSON.stringify(Object.fromEntries(body)), "application/json"],
      [`${world.listening.http}/oauth/token`, "%%%=%%%&\0", "application/x-www-form-urlencoded"],
      [`${world.listening.http}/oauth/token`, `${"a=b&".repeat(50_000)}${body}`, "application/x-www-form-urlencoded"],
    ] as const) {
      const response = await fetch(target, { method: "POST", body: sent, headers: { "content-type": type } });
      const text = await response.text();
      expect(response.status, type).toBeGreaterThanOrEqual(400);
      expect(response.status, text).toBeLessThan(500);
      expect(text).not.toContain("access_token");
    }
  });

  test("a secret of a client that has none, and a client's name in a header that is another's", async () => {
    const secret = await authorize();
    secret.set("client_secret", "x");
    const answers = [await token(secret)];
    const basic = Buffer.from(`${other}:x`).toString("base64");
    answers.push(await token(await authorize(), { authorization: `Basic ${basic}` }));
    for (const { status, body } of answers) {
      expect(status).toBeLessThan(500);
      if (status !== 200) expect(errors).toContain(body.error);
    }
    expect(answers[1]?.status).not.toBe(200);
  });
});

describe("the token endpoint refuses, for a refresh token,", () => {
  const names = ["grant_type", "refresh_token", "client_id", "scope", "resource"];
  const harmless = new Set([
    "scope missing",
    "scope empty",
    "resource missing",
    "resource empty",
    "resource given twice",
    "resource given twice, the second wrong",
  ]);
  test.each(pairs(names).filter(([name, how]) => !harmless.has(`${name} ${how}`)))("%s %s", async (name, how) => {
    const login = await logIn(world, { clientId });
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: login.refresh,
      client_id: clientId,
      scope: "mcp:read",
      resource: world.listening.mcp,
    });
    spoiled[how]?.(body, name);
    expectRefused(await token(body));
    // Who got a parameter wrong loses nothing.
    expect(await statusOf(world, login.access)).toBe(200);
  });
});

describe("the revocation endpoint", () => {
  test.each(pairs(["token", "client_id"]))("%s %s: takes nothing back, and does not fail", async (name, how) => {
    const login = await logIn(world, { clientId });
    const body = new URLSearchParams({ token: login.refresh, client_id: clientId });
    spoiled[how]?.(body, name);
    const { status } = await post(`${world.listening.http}/oauth/revoke`, body);
    expect(status).toBeLessThan(500);
    expect(await statusOf(world, login.access)).toBe(200);
  });

  test("takes back nothing of another client's", async () => {
    const login = await logIn(world, { clientId });
    for (const stolen of [login.refresh, login.access]) {
      const body = new URLSearchParams({ token: stolen, client_id: other });
      expect((await post(`${world.listening.http}/oauth/revoke`, body)).status).toBeLessThan(500);
    }
    expect(await statusOf(world, login.access)).toBe(200);
  });
});

describe("the registration endpoint refuses, and does not fail,", () => {
  test.each<[string, string]>([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["a text", '"x"'],
    ["nothing", ""],
    ["no redirects", "{}"],
    ["redirects that are a text", '{"redirect_uris":"http://127.0.0.1/cb"}'],
    ["an empty list of redirects", '{"redirect_uris":[]}'],
    ["a redirect that is a number", '{"redirect_uris":[1]}'],
    ["a redirect that is no URL", '{"redirect_uris":["::::"]}'],
    ["a name that is an object", `{"redirect_uris":["${redirectUri}"],"client_name":{"a":1}}`],
    ["a body of 2 MB", `{"redirect_uris":["${redirectUri}"],"client_name":"${"x".repeat(2_000_000)}"}`],
    [
      "a body that is nested deeply",
      `{"redirect_uris":["${redirectUri}"],"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    ],
  ])("%s", async (what, body) => {
    const response = await fetch(`${world.listening.http}/oauth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    await response.text();
    expect(response.status, what).toBeLessThan(500);
    if (!what.includes("nested")) expect(response.status).toBeGreaterThanOrEqual(400);
  });
});
