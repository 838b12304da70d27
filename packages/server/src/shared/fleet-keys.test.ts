import { createPublicKey, sign, verify } from "node:crypto";
import { importJWK, type JWK } from "jose";
import { expect, test } from "vitest";
import { createFleetKeys } from "./fleet-keys.ts";

const secret = "a secret of thirty-two characters, at least";
const day = 86_400_000;

test("replicas with one secret have the same keys, and those with another one have others", () => {
  const [one, other, stranger] = [secret, secret, `${secret}!`].map(createFleetKeys);
  const now = Date.parse("2026-11-24");
  expect(one?.logins(now)).toEqual(other?.logins(now));
  expect(one?.turns).toEqual(other?.turns);
  expect(stranger?.turns).not.toEqual(one?.turns);
  expect(stranger?.logins(now).cookies).not.toEqual(one?.logins(now).cookies);
  expect(one?.turns).not.toEqual(one?.consent);
});

test("signing keys are of P-256, sign, and change by periods of which the neighbours are known", async () => {
  const keys = createFleetKeys(secret);
  const now = Date.parse("2026-11-24");
  const [current, before, next] = keys.logins(now).signing;
  expect(new Set([current, before, next].map((jwk) => jwk?.kid)).size).toBe(3);
  expect(keys.logins(now + 90 * day).signing[0]).toEqual(next);
  expect(keys.logins(now + 90 * day).signing[1]).toEqual(current);
  for (let period = 0; period < 40; period++) {
    const jwk = keys.logins(now + period * 90 * day).signing[0] as JWK;
    await importJWK(jwk, "ES256");
    const text = Buffer.from("signed");
    const { d: _secret, ...shown } = jwk;
    const signature = sign("sha256", text, { key: jwk as never, format: "jwk" });
    expect(verify("sha256", text, createPublicKey({ key: shown as never, format: "jwk" }), signature)).toBe(true);
  }
});
