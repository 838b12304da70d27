import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { json, type OAuthPeer, openOAuthPeer } from "../../../../../test/support/upstream/oauth-peer.ts";
import { type LogInOptions, logIn } from "./log-in.ts";
import { logOut } from "./log-out.ts";
import { type Login, readLogin, writeLogin } from "./login-file.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-login-"));
let peer: OAuthPeer;
beforeEach(async () => {
  peer = await openOAuthPeer();
});
afterEach(() => peer.close());
afterAll(() => rmSync(base, { recursive: true, force: true }));

type Browser = (address: string) => unknown;

/** Logs in while the browser does as it is told; what comes of it, or why nothing does. */
async function attempt(browser: Browser, more: Partial<LogInOptions> = {}): Promise<Login | string> {
  let visiting: unknown;
  try {
    return await logIn({
      ...{ url: peer.url, oauth: {}, waitMs: 5_000, ...more },
      show: (address) => {
        visiting = browser(address);
      },
    });
  } catch (error) {
    return (error as Error).message;
  } finally {
    await visiting;
  }
}

const back = (over: Readonly<Record<string, string | undefined>> = {}): Browser => {
  return (address) => fetch(peer.approve(address, over));
};
const nobody: Browser = () => {
  throw new Error("The owner was shown an address.");
};

test("a login is held to its challenge, names its resource, and keeps what it was given", async () => {
  let shown = new URL("http://none");
  const login = (await attempt((address) => {
    shown = new URL(address);
    return back()(address);
  })) as Login;
  expect(Object.fromEntries(shown.searchParams)).toEqual({
    response_type: "code",
    client_id: "registered",
    redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    state: expect.stringMatching(/^[\w-]{43}$/),
    resource: peer.url,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
    scope: "notes.read",
  });
  const registered = JSON.parse(peer.asked.find(({ path }) => path === "/register")?.body ?? "");
  expect(registered).toMatchObject({ application_type: "native", token_endpoint_auth_method: "none" });
  const exchange = peer.asked.find(({ path }) => path === "/token")?.params;
  expect(exchange?.get("resource")).toBe(peer.url);
  expect(login).toMatchObject({ url: peer.url, client: { client_id: "registered" }, server: { issuer: peer.origin } });
  expect(login.tokens).toMatchObject(peer.tokens());
});

type Laid = Record<string, unknown>;
/** Lays members over a document of the peer's. */
const lay =
  (what: "metadata" | "resource", over: Laid | ((one: OAuthPeer) => Laid)) =>
  (one: OAuthPeer): void => {
    one[what] = typeof over === "function" ? over(one) : over;
  };

test.each<[string, (peer: OAuthPeer) => void, RegExp]>([
  ["metadata of another issuer", lay("metadata", { issuer: "https://evil.example" }), /cannot be used: .*issuer/],
  ["no S256", lay("metadata", { code_challenge_methods_supported: ["plain"] }), /S256/],
  ["no word of challenges", lay("metadata", { code_challenge_methods_supported: undefined }), /S256/],
  ["another server's resource", lay("resource", { resource: "https://other.example/mcp" }), /another resource/],
  ["a resource beside it", lay("resource", ({ origin }) => ({ resource: `${origin}/mc` })), /another resource/],
  ["an issuer at home", lay("resource", { authorization_servers: ["https://10.0.0.1"] }), /private address/],
  [
    "an issuer of the cloud",
    lay("resource", { authorization_servers: ["https://169.254.169.254"] }),
    /reserved address/,
  ],
  ["an issuer without TLS", lay("resource", { authorization_servers: ["http://login.example"] }), /not https/],
  ["a token endpoint without TLS", lay("metadata", { token_endpoint: "http://login.example/token" }), /not https/],
  ["an address that is a script", lay("metadata", { authorization_endpoint: "javascript:alert(1)" }), /not https/],
  ["a megabyte of metadata", lay("metadata", { padding: "x".repeat(1_048_576) }), /over \d+ bytes/],
  ["no way to become a client", lay("metadata", { registration_endpoint: undefined }), /oauth\.clientId/],
  [
    "a registration that is refused",
    ({ instead }) => {
      instead["/register"] = (response) => json(response, { error: "access_denied" }, 403);
    },
    /does not register Portcullis: access_denied/,
  ],
])("with %s nobody is sent anywhere", async (_, misbehave, why) => {
  misbehave(peer);
  expect(await attempt(nobody)).toMatch(why);
  expect(peer.count("/token")).toBe(0);
});

test.each(["/prm", "/.well-known/oauth-authorization-server", "/register"])(
  "a redirect of %s is not followed",
  async (path) => {
    let reached = 0;
    const inside = createServer((_, response) => {
      reached++;
      json(response, {});
    });
    await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
    const { port } = inside.address() as AddressInfo;
    peer.instead[path] = (response) =>
      void response.writeHead(302, { location: `http://127.0.0.1:${port}/secret` }).end();
    expect(await attempt(nobody)).toMatch(/redirects/);
    expect(reached).toBe(0);
    await new Promise((resolve) => inside.close(resolve));
  },
);

test("another port of this machine is not the server that was configured", async () => {
  let reached = 0;
  const inside = createServer((_, response) => {
    reached++;
    response.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
  const { port } = inside.address() as AddressInfo;
  for (const issuer of [`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`]) {
    peer.resource = { authorization_servers: [issuer] };
    expect(await attempt(nobody)).toMatch(/not https|loopback address/);
  }
  expect(reached).toBe(0);
  await new Promise((resolve) => inside.close(resolve));
});

test.each<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
  ["another issuer", { iss: "https://evil.example" }, /iss/],
  ["no issuer", { iss: undefined }, /iss/],
  ["a refusal", { code: undefined, error: "access_denied" }, /did not let Portcullis in: access_denied/],
  ["no code", { code: undefined }, /./],
])("an answer with %s gives no token", async (_, over, why) => {
  expect(await attempt(back(over))).toMatch(why);
  expect(peer.count("/token")).toBe(0);
});

test("who comes with another state is sent away, and the login goes on waiting; a second code is not taken", async () => {
  const statuses: number[] = [];
  const login = await attempt(async (address) => {
    const good = peer.approve(address);
    for (const state of ["guessed", ""]) {
      const wrong = new URL(good);
      wrong.searchParams.set("state", state);
      statuses.push((await fetch(wrong)).status);
    }
    const twice = new URL(good);
    twice.searchParams.append("state", "guessed");
    statuses.push((await fetch(twice)).status);
    statuses.push((await fetch(new URL("/other", good))).status);
    statuses.push((await fetch(good, { method: "POST" })).status);
    expect(peer.count("/token")).toBe(0);
    const [first, second] = await Promise.allSettled([fetch(good), fetch(good)]);
    const both = [first, second].map((one) => (one.status === "fulfilled" ? one.value.status : 0));
    expect(both.filter((status) => status === 200)).toHaveLength(1);
  });
  expect(statuses).toEqual([400, 400, 400, 404, 404]);
  expect(login).toMatchObject({ tokens: peer.tokens() });
  expect(peer.count("/token")).toBe(1);
});

test("a login server at home is asked when the owner names it, and when the upstream server takes its tokens", async () => {
  const server = await openOAuthPeer();
  try {
    const oauth = { issuer: server.origin };
    peer.resource = { authorization_servers: ["https://login.example", server.origin] };
    const login = (await attempt((address) => fetch(server.approve(address)), { oauth })) as Login;
    expect(login).toMatchObject({ server: { issuer: server.origin }, resource: peer.url, tokens: server.tokens() });
    peer.resource = { authorization_servers: ["https://login.example"] };
    expect(await attempt(nobody, { oauth })).toMatch(/takes no tokens of/);
  } finally {
    await server.close();
  }
});

test("nobody is waited for longer than was said", async () => {
  expect(await attempt(() => {}, { waitMs: 200 })).toMatch(/Nobody came back/);
}, 15_000);

test("the owner's client is used as it is, and our own document where the server reads such", async () => {
  const oauth = { clientId: "mine", clientSecret: "a secret:of mine", scope: "notes.write" };
  const mine = (await attempt(back(), { oauth })) as Login;
  expect(mine.client).toEqual({ client_id: "mine" });
  expect(JSON.stringify(mine)).not.toContain("of mine");
  expect(peer.asked.find(({ path }) => path === "/token")?.headers.authorization).toMatch(/^Basic /);
  const document = "https://home.example/.well-known/portcullis-client.json";
  expect(await attempt(back(), { document })).toMatchObject({ client: { client_id: "registered" } });
  peer.metadata = { client_id_metadata_document_supported: true };
  expect(await attempt(back(), { document })).toMatchObject({ client: { client_id: document } });
  expect(peer.count("/register")).toBe(1);
});

test("a login is taken back where it was made and forgotten here, also when that fails", async () => {
  const file = join(base, "far.oauth.json");
  for (const status of [200, 503]) {
    const login = (await attempt(back())) as Login;
    writeLogin(file, login);
    peer.asked.length = 0;
    peer.instead["/revoke"] = (response) => void response.writeHead(status).end();
    const out = await logOut(file, {});
    expect(out).toMatchObject({ was: true, revoked: status === 200 });
    const sent = peer.asked.map(({ params }) => params.get("token"));
    expect(sent).toEqual(status === 200 ? [login.tokens?.refresh, login.tokens?.access] : [login.tokens?.refresh]);
    expect(readLogin(file)).toBeUndefined();
    expect(JSON.stringify(out)).not.toContain(login.tokens?.refresh);
  }
  expect(await logOut(file, {})).toEqual({ was: false, revoked: false });
});
