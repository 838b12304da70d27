import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CallError } from "@portcullis/contracts";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { createOAuthStore } from "../../stores/memory/oauth-store.ts";
import { createTokenStore } from "../../stores/memory/token-store.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import { createLogins, type Logins } from "./create-logins.ts";
import { loadKeys } from "./keys.ts";

const clientId = "https://client.example/client.json";
const redirect = "http://127.0.0.1:7777/cb";
const day = 86_400_000;

let data: string;
let server: Server;
let url: string;
let logins: Logins;
let authorization: AuthorizationServer;
let now: number;
let documents: Record<string, unknown>;
let fetched: string[];
let faults: unknown[];

const fetchDocument: GuardedFetch = async ({ url: target, reach }) => {
  fetched.push(target);
  const at = new URL(target);
  const document = documents[target];
  if (reach(at, "GET") !== "public" || document === undefined)
    throw new CallError("PERMISSION_DENIED", "Not reachable.");
  const body = new TextEncoder().encode(JSON.stringify(document));
  return {
    url: at,
    status: 200,
    headers: { "content-type": "application/json" },
    body,
    withheld: false,
    redirects: [],
  };
};

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "portcullis-oauth-"));
  now = Date.now();
  documents = {};
  fetched = [];
  faults = [];
  server = createServer((request, response) => void route(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = { url: "", audience: "", claim: "sub", subjects: [], algorithms: [], clockSkewSeconds: 0 };
  logins = createLogins({
    data,
    settings: {
      port: 0,
      allowedHosts: [],
      http: { privateHosts: [] },
      oauth: { enabled: true, registration: true, metadataDocuments: true, issuer },
    },
    url: () => url,
    store: createOAuthStore(),
    tokens: createTokenStore(),
    tool: (name) => (name === "search" ? { effect: "read", labels: {} } : undefined),
    now: () => now,
    fault: (error) => faults.push(error),
    fetch: fetchDocument,
  });
  if (!logins.open) throw new Error("There is no authorization server.");
  authorization = logins.open((title, text) => ({ html: `${title}: ${text}`, headers: {} }));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(data, { recursive: true, force: true });
});

/** Lets every client in that asks. */
async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const uid = /^\/oauth\/consent\/(.+)$/.exec(request.url ?? "")?.[1];
  if (uid === undefined) return authorization.handle(request, response);
  const login = await authorization.pending(request, response, uid);
  if (!login) return void response.writeHead(400).end("expired");
  const approval = { name: "c", subject: "duck", tools: ["search"], scopes: login.scopes, lifetime: day };
  response
    .writeHead(303, {
      location: await authorization.approve(request, response, approval),
      "x-client": JSON.stringify(login.client),
    })
    .end();
}

/** The browser's way from the client and back: the last answer, and what it was told of the client. */
async function authorize(
  challenge: string,
): Promise<{ back: URL | undefined; text: string; client: Record<string, unknown> }> {
  let at = new URL("/oauth/authorize", url);
  const params = {
    client_id: clientId,
    response_type: "code",
    redirect_uri: redirect,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s",
  };
  for (const [name, value] of Object.entries(params)) at.searchParams.set(name, value);
  const jar = new Map<string, string>();
  let client = {};
  for (let count = 0; count < 6; count++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(at, { redirect: "manual", headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [pair = ""] = set.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    client = JSON.parse(response.headers.get("x-client") ?? JSON.stringify(client));
    const location = response.headers.get("location");
    const text = await response.text();
    if (location === null) return { back: undefined, text, client };
    at = new URL(location, at);
    if (at.origin !== url) return { back: at, text, client };
  }
  throw new Error("The server redirects without end.");
}

const proof = () => {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
};

const redeem = async (code: string, verifier: string, more: Record<string, string> = {}) => {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirect,
    code_verifier: verifier,
    client_id: clientId,
    ...more,
  });
  const response = await fetch(`${url}/oauth/token`, { method: "POST", body });
  return { status: response.status, body: (await response.json()) as { access_token: string; error?: string } };
};

test("a client that is known by its document logs in, and its host is what the owner is told", async () => {
  documents[clientId] = {
    client_id: clientId,
    client_name: "Example",
    redirect_uris: ["http://127.0.0.1/cb"],
    grant_types: ["implicit"],
    scope: "everything",
  };
  const { verifier, challenge } = proof();
  const { back, client } = await authorize(challenge);
  expect(client).toMatchObject({ id: clientId, name: "Example", host: "client.example", redirect });
  const { status, body } = await redeem(back?.searchParams.get("code") ?? "", verifier);
  expect(status).toBe(200);
  const bearer = await logins.access.find(body.access_token, now);
  expect(bearer).toMatchObject({ subject: "duck", owner: false });
  expect(bearer?.narrowing?.has("search")).toBe(true);
  expect(bearer?.narrowing?.has("fs.readFile")).toBe(false);
  expect(fetched).toEqual([clientId]);
});

test.each<[string, unknown]>([
  ["names another client", { client_id: "https://client.example/other.json", redirect_uris: [redirect] }],
  ["holds a secret", { client_id: clientId, client_secret: "x", redirect_uris: [redirect] }],
  ["leads codes to plain http elsewhere", { client_id: clientId, redirect_uris: [redirect, "http://evil.example/cb"] }],
  ["is a list", [clientId]],
  ["cannot be reached", undefined],
])("a client's document that %s is refused on a page", async (_what, document) => {
  documents[clientId] = document;
  const { back, text } = await authorize(proof().challenge);
  expect(back).toBeUndefined();
  expect(text).toContain("This login cannot go on");
});

test("a client proves itself with its key, and nobody without it redeems its code", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwksUri = "https://client.example/keys";
  documents[jwksUri] = { keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" }] };
  documents[clientId] = {
    client_id: clientId,
    redirect_uris: [redirect],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks_uri: jwksUri,
  };
  const { verifier, challenge } = proof();
  const code = async () => (await authorize(challenge)).back?.searchParams.get("code") ?? "";
  const assert = async (audience: string, key = privateKey) => ({
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: audience,
      jti: randomBytes(8).toString("hex"),
    })
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuedAt()
      .setExpirationTime("1m")
      .sign(key),
  });
  expect((await redeem(await code(), verifier)).status).toBe(401);
  const stranger = await generateKeyPair("ES256");
  expect((await redeem(await code(), verifier, await assert(url, stranger.privateKey))).status).toBe(401);
  expect((await redeem(await code(), verifier, await assert("https://other.example"))).status).toBe(401);
  const assertion = await assert(url);
  expect((await redeem(await code(), verifier, assertion)).status).toBe(200);
  expect((await redeem(await code(), verifier, assertion)).status).toBe(401);
});

test("an access token ends after its quarter of an hour, and with its grant", async () => {
  documents[clientId] = { client_id: clientId, redirect_uris: [redirect] };
  const { verifier, challenge } = proof();
  const { body } = await redeem((await authorize(challenge)).back?.searchParams.get("code") ?? "", verifier);
  expect(await logins.access.find(body.access_token, now + 899_000)).toBeDefined();
  expect(await logins.access.find(body.access_token, now + 901_000)).toBeUndefined();
});

test("a token counts only as long as the server goes by the name that it was issued for", async () => {
  documents[clientId] = { client_id: clientId, redirect_uris: [redirect] };
  const { verifier, challenge } = proof();
  const { body } = await redeem((await authorize(challenge)).back?.searchParams.get("code") ?? "", verifier);
  const before = url;
  url = "https://renamed.example";
  expect(await logins.access.find(body.access_token, now)).toBeUndefined();
  url = before;
  expect(await logins.access.find(body.access_token, now)).toBeDefined();
});

test("keys are kept for their owner alone, rotate, and the last ones stay known", async () => {
  const path = join(data, "oauth-keys.json");
  const first = await loadKeys(data, now);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await loadKeys(data, now + 89 * day)).toEqual(first);
  const second = await loadKeys(data, now + 91 * day);
  expect(second.signing.map(({ kid }) => kid)).toEqual([
    expect.not.stringMatching(first.signing[0]?.kid ?? ""),
    first.signing[0]?.kid,
  ]);
  expect((await loadKeys(data, now + 98 * day)).signing).toHaveLength(1);
  writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
  await expect(loadKeys(data, now)).rejects.toThrow("move it aside");
});
