import { request as httpRequest } from "node:http";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser, readForm } from "../support/oauth/browser.ts";
import {
  answer,
  authorizationUrl,
  createProofKey,
  letIn,
  logIn,
  post,
  redeem,
  redirectUri,
  refresh,
  register,
  signIn,
  statusOf,
} from "../support/oauth/login.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let clientId: string;
let strict: string;

beforeAll(async () => {
  world = await openWorld({ settings: "limits: { turnCalls: 1000 }\n" });
  clientId = await register(world);
  strict = await register(world, { redirect_uris: ["https://app.example/cb"] });
});
afterAll(() => world?.close());

const { challenge } = createProofKey();
const ask = (params: Record<string, string | undefined>, id = clientId) =>
  createBrowser().visit(authorizationUrl(world, { clientId: id, challenge, params }), { crossSite: true });

describe("a redirect URI that was not registered gets nothing, not even an error", () => {
  test.each([
    "http://127.0.0.1:4567/callback/../evil",
    "http://127.0.0.1:4567/callback?next=https://evil.example",
    "http://127.0.0.1:4567/callback#x",
    "http://127.0.0.1:4567/callback%2f",
    "http://127.0.0.1:4567/CALLBACK",
    "http://127.0.0.1.evil.example:4567/callback",
    "http://127.0.0.1@evil.example/callback",
    "http://user@127.0.0.1:4567/callback",
    "https://127.0.0.1:4567/callback",
    "http://localhost:4567/callback",
    "http://2130706433:4567/callback",
    "http://127.1:4567/callback",
    "http://[::1]:4567/callback",
    "//evil.example/callback",
    "javascript:alert(1)",
    "https://evil.example/callback",
  ])("%s", async (uri) => {
    const page = await ask({ redirect_uri: uri });
    expect(page.url.origin).toBe(world.listening.http);
    expect(page.status).toBe(400);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.html).not.toContain(uri);
  });

  test.each([
    "https://app.example/cb/",
    "https://app.example:8443/cb",
    "https://app.example/cb?x=1",
    "http://app.example/cb",
    "https://app.example.evil/cb",
    "https://app.example@evil.example/cb",
  ])("of a web client: %s", async (uri) => expect((await ask({ redirect_uri: uri }, strict)).status).toBe(400));
});

describe("what no client may register", () => {
  test.each([
    ["http://example.org/cb"],
    ["javascript:alert(1)//"],
    ["data:text/html,x"],
    ["https://user:pass@example.org/cb"],
    ["https://example.org/cb#fragment"],
    ["https://*.example.org/cb"],
    ["/relative"],
    ["http://127.0.0.1.evil.example/cb"],
    ["file:///etc/passwd"],
    ["ms-msdt:/id"],
    ["https://exa\u200dmple.org/cb"],
  ])("%s", async (uri) => {
    const { status, body } = await post(`${world.listening.http}/oauth/register`, { redirect_uris: [uri] });
    expect(status).toBe(400);
    expect(body.error).toBe("invalid_redirect_uri");
  });

  test("another flow, a secret, or an endpoint for the server to fetch", async () => {
    const { status, body } = await post(`${world.listening.http}/oauth/register`, {
      redirect_uris: [redirectUri],
      grant_types: ["implicit", "password", "client_credentials"],
      response_types: ["token", "code id_token"],
      token_endpoint_auth_method: "client_secret_basic",
      sector_identifier_uri: "http://127.0.0.1:1/",
      jwks_uri: "http://127.0.0.1:1/",
      backchannel_logout_uri: "http://127.0.0.1:1/",
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    });
    for (const name of ["client_secret", "sector_identifier_uri", "jwks_uri", "backchannel_logout_uri"])
      expect(body).not.toHaveProperty(name);
  });
});

describe("a request that is turned down at the client's door", () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ["without PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["with the plain method", { code_challenge_method: "plain" }, "invalid_request"],
    ["without a method", { code_challenge_method: undefined }, "invalid_request"],
    ["with a challenge that is too short", { code_challenge: "short" }, "invalid_request"],
    ["for the implicit flow", { response_type: "token" }, "unsupported_response_type"],
    ["for a hybrid flow", { response_type: "code id_token" }, "unsupported_response_type"],
    ["for another server", { resource: "https://other.example/mcp" }, "invalid_target"],
    ["for another server of this machine", { resource: "http://127.0.0.1:1/mcp" }, "invalid_target"],
    ["for a path that is no door", { resource: "FRONT/etc" }, "invalid_target"],
    ["for this server by a user's name", { resource: "http://u@127.0.0.1/mcp" }, "invalid_target"],
    ["without asking anyone", { prompt: "none" }, "consent_required"],
  ])("%s", async (_what, params, error) => {
    const resource = params.resource?.replace("FRONT", world.listening.http);
    const { url } = await ask({ ...params, ...(resource && { resource }) });
    expect(url.origin + url.pathname).toBe(redirectUri);
    // Errors of flows that answer in the fragment go there.
    const told = new URLSearchParams(url.search || url.hash.slice(1));
    expect(told.get("error")).toBe(error);
    expect(told.get("iss")).toBe(world.listening.http);
    expect(told.has("code")).toBe(false);
  });

  test("a code never travels in a fragment or a posted form", async () => {
    for (const response_mode of ["fragment", "form_post", "web_message"]) {
      const back = await letIn(world, authorizationUrl(world, { clientId, challenge, params: { response_mode } }));
      expect(back.searchParams.get("code")).toBeTruthy();
      expect(back.hash).toBe("");
    }
  });
});

describe("a code", () => {
  const authorize = async () => {
    const key = createProofKey();
    const back = await letIn(world, authorizationUrl(world, { clientId, challenge: key.challenge }));
    return { clientId, code: back.searchParams.get("code") ?? "", verifier: key.verifier };
  };

  test("is good once, and its replay ends what came of it", async () => {
    const grant = await authorize();
    const first = await redeem(world, grant);
    expect(await statusOf(world, first.body.access_token)).toBe(200);
    expect(await redeem(world, grant)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await statusOf(world, first.body.access_token)).toBe(401);
  });

  test("is good once however many ask at once", async () => {
    for (let round = 0; round < 5; round++) {
      const grant = await authorize();
      const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(world, grant)));
      const tokens = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token as string);
      expect(tokens.length).toBeLessThanOrEqual(1);
      for (const token of tokens) expect(await statusOf(world, token)).toBe(401);
    }
  });

  test.each<[string, (grant: { clientId: string; code: string; verifier: string }) => Promise<object> | object]>([
    ["another verifier", (grant) => ({ ...grant, verifier: createProofKey().verifier })],
    ["an empty verifier", (grant) => ({ ...grant, verifier: "" })],
    ["the challenge in its place", (grant) => ({ ...grant, verifier: challenge })],
    ["another client", async (grant) => ({ ...grant, clientId: strict })],
    ["another redirect URI", (grant) => ({ ...grant, more: { redirect_uri: "http://127.0.0.1:1/callback" } })],
    ["another resource", (grant) => ({ ...grant, more: { resource: "https://other.example/mcp" } })],
  ])("is refused with %s", async (_what, alter) => {
    const grant = await authorize();
    const { status, body } = await redeem(world, (await alter(grant)) as typeof grant);
    expect(status).toBe(400);
    expect(["invalid_grant", "invalid_target", "invalid_request"]).toContain(body.error);
  });
});

test("a refresh token is good once however many ask at once, and not for another client or more scope", async () => {
  const login = await logIn(world, { clientId });
  expect((await refresh(world, strict, login.refresh)).status).toBe(400);
  expect((await refresh(world, login.clientId, login.refresh, { scope: "mcp:read mcp:write" })).status).toBe(400);
  expect((await refresh(world, login.clientId, login.refresh, { resource: "https://other.example/mcp" })).status).toBe(
    400,
  );
  const fresh = await logIn(world, { clientId });
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(world, fresh.clientId, fresh.refresh)));
  expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  for (const { body } of answers) if (body.access_token) expect(await statusOf(world, body.access_token)).toBe(401);
});

describe("the owner's answer", () => {
  const open = async () => {
    const browser = createBrowser();
    const first = await browser.visit(authorizationUrl(world, { clientId, challenge }));
    return { browser, page: await signIn(world, browser, first) };
  };

  test("counts only from the page that asked", async () => {
    const { browser, page } = await open();
    const other = await open();
    const form = readForm(page.html);
    form.set("decision", "allow");
    for (const [name, value] of [
      ["token", ""],
      ["token", "x".repeat(43)],
      ["token", readForm(other.page.html).get("token") ?? ""],
    ] as const) {
      const forged = new URLSearchParams(form);
      forged.set(name, value);
      expect((await browser.visit(page.url, { form: forged })).status).toBe(403);
    }
    expect((await browser.visit(page.url, { form, headers: { "sec-fetch-site": "same-site" } })).status).toBe(403);
    expect((await browser.visit(page.url, { form, crossSite: true })).status).toBe(403);
    expect((await browser.visit(page.url, { form, headers: { origin: "http://127.0.0.1:1" } })).status).toBe(403);
    expect((await answer(browser, page)).status).toBe(0);
  });

  test("cannot be given in another browser, or twice", async () => {
    const { browser, page } = await open();
    const other = createBrowser();
    expect((await other.visit(page.url)).status).toBe(400);
    expect((await answer(other, page)).status).toBe(400);
    expect((await answer(browser, page)).status).toBe(0);
    expect((await answer(browser, page)).status).toBe(400);
  });

  test("does not lead elsewhere by the login form", async () => {
    for (const next of ["https://evil.example/", "//evil.example/", "/oauth/consent/../../d/x", "/\\evil.example"]) {
      const form = new URLSearchParams({ token: world.ownerToken, next });
      const response = await fetch(`${world.listening.http}/oauth/login`, {
        method: "POST",
        body: form,
        redirect: "manual",
      });
      expect(response.headers.get("location")).toBe("/");
    }
  });

  test("cannot grant what policy does not open, or what was not asked for", async () => {
    const { browser, page } = await open();
    const left = await answer(browser, page, { tools: ["http.fetch", "fs.writeFile", "nonsense"] });
    expect(left.status).toBe(422);
  });
});

describe("a token that is none", () => {
  test.each([
    "",
    "x",
    "pca_",
    "pca_x",
    "pcr_x",
    "pcl_x",
    "null",
    "undefined",
    "../../",
    "' OR 1=1 --",
    "Bearer",
    "pca_%00",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.",
  ])("%s", async (token) => expect(await statusOf(world, token)).toBe(401));

  test("a refresh token, a code, a client's id and a grown or cut access token are no access tokens", async () => {
    const login = await logIn(world, { clientId });
    const { access } = login;
    const last = access.at(-1) === "A" ? "B" : "A";
    for (const token of [
      login.refresh,
      login.code,
      login.clientId,
      access.slice(0, -1),
      `${access}A`,
      access.slice(0, -1) + last,
      access.toUpperCase(),
      `x${access}`,
      access.replace("pca_", "pcr_"),
    ])
      expect(await statusOf(world, token), token).toBe(401);
    expect(await statusOf(world, access)).toBe(200);
  });

  test("a token in the query, the body or the cookie is not seen", async () => {
    const { access } = await logIn(world, { clientId });
    const { http, mcp } = world.listening;
    for (const url of [`${http}/v1/tools?access_token=${access}`, `${mcp}?access_token=${access}`])
      expect((await fetch(url)).status).toBe(401);
    expect((await fetch(`${http}/v1/tools`, { headers: { cookie: `portcullis_session=${access}` } })).status).toBe(401);
  });

  test("a session of an access token ends with it, and is not prolonged", async () => {
    const { access } = await logIn(world, { clientId });
    const client = await connect({ url: world.listening.websocket, token: access });
    const opened = (await client.request("auth.exchange", { token: access })) as {
      session: string;
      refreshable: boolean;
    };
    expect(opened.refreshable).toBe(false);
    await expect(client.request("auth.refresh", { session: opened.session })).rejects.toThrow();
    await client.close();
  });
});

test("the Host and the forwarding headers of a request do not change what the server calls itself", async () => {
  const { port } = new URL(world.listening.http);
  const ask = (headers: Record<string, string>): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      httpRequest({ port, host: "127.0.0.1", path: "/.well-known/oauth-authorization-server", headers }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      })
        .on("error", reject)
        .end();
    });
  expect((await ask({ host: "evil.example" })).status).toBe(403);
  for (const headers of [
    { "x-forwarded-host": "evil.example" },
    { "x-forwarded-proto": "https" },
    { forwarded: "host=evil.example;proto=https" },
  ]) {
    const { body } = await ask({ host: `localhost:${port}`, ...headers } as Record<string, string>);
    expect(body).not.toContain("evil");
    expect(JSON.parse(body).authorization_endpoint).toBe(`${world.listening.http}/oauth/authorize`);
  }
});

test.each([
  "https://127.0.0.1:1/client.json",
  "https://169.254.169.254/latest",
  "https://[::1]/c",
  "https://localhost/c",
  "https://10.0.0.1/c.json",
  "http://example.org/c.json",
])("the metadata document %s is not fetched", async (id) => {
  const page = await ask({}, id);
  expect(page.url.origin).toBe(world.listening.http);
  expect(page.status).toBe(400);
});

test("endpoints that are not offered are not there", async () => {
  for (const path of [
    "/oauth/introspect",
    "/oauth/userinfo",
    "/session/end",
    "/session/end/confirm",
    "/request",
    "/me",
    "/oauth/register/x",
    "/oauth/constructor",
    "/oauth/authorize/a/b",
  ])
    expect((await fetch(world.listening.http + path)).status, path).toBe(404);
  expect((await fetch(`${world.listening.http}/oauth/authorize`, { method: "POST" })).status).toBe(405);
});

// The last of all: it uses up what one address may register in a minute.
test("a flood of registrations is held back, and drives nobody out", async () => {
  const wanted = { redirect_uris: [redirectUri] };
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => post(`${world.listening.http}/oauth/register`, wanted)),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(20);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get("retry-after")).toBe("60");
  expect((await ask({})).url.pathname).toMatch(/^\/oauth\/consent\//);
  const big = await fetch(`${world.listening.http}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...wanted, client_name: "x".repeat(200_000) }),
  });
  expect([400, 429]).toContain(big.status);
  // Logins that nobody finishes are bounded too.
  const begun = await Promise.all(
    Array.from({ length: 300 }, () => fetch(authorizationUrl(world, { clientId, challenge }), { redirect: "manual" })),
  );
  expect(begun.filter(({ status }) => status === 303).length).toBeLessThanOrEqual(240);
  expect(begun.some(({ status }) => status === 429)).toBe(true);
});
