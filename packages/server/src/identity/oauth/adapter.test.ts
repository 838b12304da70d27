import { expect, test } from "vitest";
import { createOAuthStore } from "../../stores/memory/oauth-store.ts";
import { createTokenStore } from "../../stores/memory/token-store.ts";
import { createAdapter } from "./adapter.ts";
import { createGrantToken, isGranted, keepGrant } from "./grants.ts";

const now = 1_000_000;

async function open() {
  const stores = { store: createOAuthStore(), tokens: createTokenStore() };
  const wanted = { name: "duck", subject: "duck", clientId: "c", clientName: "C", tools: [], expiresAt: null };
  const token = await createGrantToken(stores, wanted, now);
  await keepGrant(stores, "grant", { tokenId: token.id, clientId: "c", clientName: "C", tools: [] }, token);
  return { ...stores, adapter: (kind: string) => createAdapter(kind, { ...stores, now: () => now }) };
}

test("what two requests found unused is used by one, and the other's coming ends the grant", async () => {
  const { adapter, ...stores } = await open();
  const codes = adapter("AuthorizationCode");
  await codes.upsert("secret", { grantId: "grant" }, 60);
  const seen = await Promise.all([codes.find("secret"), codes.find("secret")]);
  expect(seen.map((code) => code?.consumed)).toEqual([undefined, undefined]);
  await codes.consume("secret");
  expect(await isGranted(stores, "grant", now)).toBe(true);
  await expect(codes.consume("secret")).rejects.toMatchObject({ error: "invalid_grant" });
  expect(await isGranted(stores, "grant", now)).toBe(false);
});

test("nothing that is a secret is kept", async () => {
  const { adapter, store } = await open();
  await adapter("RefreshToken").upsert("the secret", { jti: "the secret", grantId: "grant", clientId: "c" }, 60);
  const kept = await store.list("RefreshToken");
  expect(JSON.stringify(kept)).not.toContain("the secret");
  expect(await adapter("RefreshToken").find("the secret")).toMatchObject({ jti: "the secret", clientId: "c" });
});

test("a grant is there as long as its token is, whoever revokes that", async () => {
  const { adapter, tokens } = await open();
  const grants = adapter("Grant");
  await grants.upsert("grant", { clientId: "c" }, 60);
  expect(await grants.find("grant")).toBeDefined();
  await tokens.revoke("duck", now);
  expect(await grants.find("grant")).toBeUndefined();
});
