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

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");
/** A token of any shape, with a true signature where the algorithm has one. */
async function forge(header: Record<string, unknown>, claims: object): Promise<string> {
  const signed = `${encode(header)}.${encode(claims)}`;
  if (header.alg !== "ES256") return `${signed}.`;
  const made = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Buffer.from(signed));
  return `${signed}.${Buffer.from(made).toString("base64url")}`;
}

test("a token that was signed by hand is as good", async () => {
  expect(await issuer.find(await forge({ alg: "ES256", kid: "1", typ: "at+jwt" }, good), now)).toBeDefined();
});

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
    ["with a key's name that is a path", () => sign({}, { kid: "../../../../dev/null" }, other.privateKey)],
    ["with a key's name that is a URL", () => sign({}, { kid: "https://evil.example/key" }, other.privateKey)],
    ["with a key's name that is a query", () => sign({}, { kid: "1' OR '1'='1" }, other.privateKey)],
    ["with a key's name of an object's own", () => sign({}, { kid: "__proto__" }, other.privateKey)],
    ["with an empty key's name", () => sign({}, { kid: "" }, other.privateKey)],
    ["with the right key's name and another key", () => sign({}, { kid: "1" }, other.privateKey)],
    ["that names a place for its key", () => sign({}, { jku: "https://evil.example/keys" }, other.privateKey)],
    ["that names a place for its certificate", () => sign({}, { x5u: "https://evil.example/c" }, other.privateKey)],
    ["that brings its certificate", () => sign({}, { x5c: ["MIIB"] }, other.privateKey)],
    ["with another type of key", () => sign({}, { typ: "dpop+jwt" })],
    ["of a security event", () => sign({}, { typ: "secevent+jwt" })],
    ["that authenticates a client", () => sign({}, { typ: "client-authentication+jwt" })],
    ["with a type that goes on", () => sign({}, { typ: "at+jwt;x" })],
    ["whose end is a text", () => sign({ exp: "never" as never })],
    ["whose end is no number", () => forge({ alg: "ES256", kid: "1" }, { ...good, exp: null })],
    ["that is for a list of others", () => sign({ aud: ["https://a.example", "https://b.example"] })],
    ["that is for an empty list", () => sign({ aud: [] })],
    ["that is for nothing", () => sign({ aud: "" })],
    ["that is for an object", () => forge({ alg: "ES256", kid: "1" }, { ...good, aud: { [audience]: true } })],
    ["of a list of issuers", () => forge({ alg: "ES256", kid: "1" }, { ...good, iss: [url] })],
    ["of the issuer in another spelling", () => sign({ iss: url.toUpperCase() })],
    ["of the issuer with its port", () => sign({ iss: `${url}:443` })],
    ["for the server in another spelling", () => sign({ aud: audience.toUpperCase() })],
    ["of an empty subject", () => sign({ sub: "" })],
    ["of an address in another spelling", () => sign({ email: "DUCK@pond.example" })],
    ["of an address with a blank", () => sign({ email: "duck@pond.example " })],
    ["of an address with a NUL", () => sign({ email: "duck@pond.example\0" })],
    ["of an address that is an object", () => sign({ email: { toString: "duck@pond.example" } as never })],
    ["with no algorithm in another spelling", () => forge({ alg: "nOnE", typ: "at+jwt" }, good)],
    [
      "with an algorithm in another spelling",
      async () => (await sign()).replace(/^[^.]+/, encode({ alg: "es256", kid: "1" })),
    ],
    ["with no algorithm named", async () => (await sign()).replace(/^[^.]+/, encode({ kid: "1", typ: "at+jwt" }))],
    [
      "with an algorithm that is a list",
      async () => (await sign()).replace(/^[^.]+/, encode({ alg: ["ES256"], kid: "1" })),
    ],
    ["with a signature of zeros", async () => (await sign()).replace(/[^.]+$/, Buffer.alloc(64).toString("base64url"))],
    [
      "with a signature in another form",
      async () => (await sign()).replace(/[^.]+$/, Buffer.alloc(70, 48).toString("base64url")),
    ],
    [
      "with a signature of another token",
      async () => (await sign({ jti: "1" })).replace(/[^.]+$/, (await sign()).split(".")[2] ?? ""),
    ],
    ["in four parts", async () => `${await sign()}.x`],
    ["in five parts", async () => `${await sign()}..`],
    ["in two parts", async () => (await sign()).split(".").slice(0, 2).join(".")],
    ["with a blank in it", async () => (await sign()).replace(".", ". ")],
    ["of half a megabyte", () => sign({ note: "x".repeat(500_000) })],
    ["that is nothing", () => ""],
    ["that is dots", () => ".."],
  ])("%s", async (_what, make) => expect(await issuer.find(await make(), now)).toBeUndefined());

  test("when the issuer's metadata names another issuer, or cannot be read", async () => {
    metadata = { issuer: "https://evil.example", jwks_uri: `${url}/keys` };
    expect(await issuer.find(await sign(), now)).toBeUndefined();
    expect(String(faults.at(-1))).toContain("another issuer");
  });

  test("when the keys of an https issuer lie at plain http", async () => {
    metadata = { issuer: url, jwks_uri: `${url.replace("https:", "http:")}/keys` };
    expect(await issuer.find(await sign(), now)).toBeUndefined();
    expect(fetches.some((target) => target.startsWith("http:"))).toBe(false);
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
