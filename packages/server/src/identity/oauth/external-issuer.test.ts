import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { createExternalIssuer, type ExternalIssuer, externalFault } from "./external-issuer.ts";

const url = "https://login.example";
const audience = "https://notes.example/mcp";
const now = Date.parse("2026-11-23T10:00:00Z");
const seconds = now / 1_000;
const settings = {
  url,
  audience,
  claim: "email",
  subjects: ["duck@pond.example=duck@home", "a=b@pond.example=owner"],
  algorithms: ["ES256"],
  clockSkewSeconds: 30,
};

const pair = await generateKeyPair("ES256", { extractable: true });
const other = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });

let keys: unknown[];
let metadata: Record<string, unknown>;
let fetches: string[];
let issuer: ExternalIssuer;
const faults: unknown[] = [];

const fetchDocument: GuardedFetch = async ({ url: target }) => {
  fetches.push(target);
  const document = target.endsWith("/openid-configuration") ? metadata : { keys };
  const body = new TextEncoder().encode(JSON.stringify(document));
  return { url: new URL(target), status: 200, headers: {}, body, withheld: false, redirects: [] };
};

beforeEach(async () => {
  keys = [{ ...(await exportJWK(pair.publicKey)), kid: "1", alg: "ES256", use: "sig" }];
  metadata = { issuer: url, jwks_uri: `${url}/keys` };
  fetches = [];
  issuer = createExternalIssuer({ settings, fetch: fetchDocument, fault: (error) => faults.push(error) });
});

const good: JWTPayload = {
  iss: url,
  aud: audience,
  sub: "1",
  email: "duck@pond.example",
  client_id: "app",
  iat: seconds,
  exp: seconds + 600,
};
const sign = (claims: JWTPayload = {}, header: Record<string, unknown> = {}, key = pair.privateKey) =>
  new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "1", typ: "at+jwt", ...header })
    .sign(key);
const without = (claim: string) => {
  const { [claim]: _gone, ...rest } = good;
  return new SignJWT(rest).setProtectedHeader({ alg: "ES256", kid: "1" }).sign(pair.privateKey);
};

test("a good token is whom the owner says that its claim acts as", async () => {
  expect(await issuer.find(await sign(), now)).toMatchObject({
    subject: "duck@home",
    owner: false,
    client: true,
    expiresAt: now + 600_000,
  });
  expect(await issuer.find(await sign({ email: "a=b@pond.example" }), now)).toMatchObject({
    subject: "owner",
    owner: false,
  });
  expect(await issuer.find(await sign({ aud: ["x", audience] }), now)).toBeDefined();
  expect(await issuer.find(await sign({ exp: seconds - 20 }), now)).toBeDefined();
  // The keys were fetched once for all of them.
  expect(fetches).toEqual([`${url}/.well-known/openid-configuration`, `${url}/keys`]);
});

describe("a token is refused", () => {
  test.each<[string, () => Promise<string> | string]>([
    ["of another issuer", () => sign({ iss: "https://evil.example" })],
    ["of an issuer that ends with a slash", () => sign({ iss: `${url}/` })],
    ["for another server", () => sign({ aud: "https://other.example" })],
    ["for a longer name", () => sign({ aud: `${audience}/x` })],
    ["for nobody", () => without("aud")],
    ["that has expired", () => sign({ exp: seconds - 31 })],
    ["without an end", () => without("exp")],
    ["that is not yet good", () => sign({ nbf: seconds + 31 })],
    ["without a subject", () => without("sub")],
    ["of somebody who is nobody here", () => sign({ email: "goose@pond.example" })],
    ["of somebody who says so in a list", () => sign({ email: ["duck@pond.example"] })],
    ["without the claim", () => without("email")],
    ["that is an ID token", () => sign({ nonce: "n" })],
    ["that is an ID token of another kind", () => sign({ at_hash: "h" })],
    ["of another type", () => sign({}, { typ: "logout+jwt" })],
    ["signed with a stranger's key", () => sign({}, {}, other.privateKey)],
    ["with a key of an unknown name", () => sign({}, { kid: "2" })],
    ["with a critical extension", () => sign({}, { crit: ["exp"] }).catch(() => "a.b.c")],
    ["without a signature", () => new UnsecuredJWT(good).encode()],
    ["with an emptied signature", async () => (await sign()).replace(/\.[^.]+$/, ".")],
    [
      "with a changed claim",
      async () => {
        const [head, , tail] = (await sign()).split(".");
        return `${head}.${Buffer.from(JSON.stringify({ ...good, email: "a=b@pond.example" })).toString("base64url")}.${tail}`;
      },
    ],
    [
      "signed with the public key as a secret",
      async () =>
        new SignJWT(good)
          .setProtectedHeader({ alg: "HS256", kid: "1" })
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)))),
    ],
    [
      "with an algorithm that is not listed",
      async () => {
        keys.push({ ...(await exportJWK(rsa.publicKey)), kid: "3", alg: "RS256" });
        return new SignJWT(good).setProtectedHeader({ alg: "RS256", kid: "3" }).sign(rsa.privateKey);
      },
    ],
    [
      "with a key of its own in the header",
      async () => sign({}, { jwk: await exportJWK(other.publicKey), kid: undefined }, other.privateKey),
    ],
    ["that is no token", () => "x.y.z"],
  ])("%s", async (_what, make) => expect(await issuer.find(await make(), now)).toBeUndefined());

  test("when the issuer's metadata names another issuer, or cannot be read", async () => {
    metadata = { issuer: "https://evil.example", jwks_uri: `${url}/keys` };
    expect(await issuer.find(await sign(), now)).toBeUndefined();
    expect(String(faults.at(-1))).toContain("another issuer");
  });
});

test("new keys are found, and unknown ones do not make the server ask without end", async () => {
  expect(await issuer.find(await sign({}, { kid: "2" }), now)).toBeUndefined();
  const asked = fetches.length;
  for (let count = 0; count < 20; count++) await issuer.find(await sign({}, { kid: `k${count}` }), now + 1_000);
  expect(fetches.length).toBe(asked);
  keys = [{ ...(await exportJWK(other.publicKey)), kid: "2", alg: "ES256" }];
  expect(await issuer.find(await sign({}, { kid: "2" }, other.privateKey), now + 31_000)).toBeDefined();
  // The old key is gone.
  expect(await issuer.find(await sign(), now + 31_000)).toBeUndefined();
});

test("settings that would let anyone in, or nobody, are told", () => {
  expect(externalFault(settings)).toBeUndefined();
  for (const [wrong, about] of [
    [{ url: "login.example" }, "url"],
    [{ audience: "" }, "audience"],
    [{ subjects: [] }, "subjects"],
    [{ subjects: ["duck"] }, "subjects"],
    [{ algorithms: ["HS256"] }, "algorithms"],
    [{ algorithms: ["none"] }, "algorithms"],
    [{ algorithms: [] }, "algorithms"],
  ] as const)
    expect(externalFault({ ...settings, ...wrong } as typeof settings)).toContain(about);
});
