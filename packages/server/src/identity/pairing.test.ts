import { expect, test } from "vitest";
import { createOAuthStore } from "../stores/memory/oauth-store.ts";
import { createTokenStore } from "../stores/memory/token-store.ts";
import { findBearer } from "./oauth/bearer.ts";
import { codeLifetime, createPairing, offerPairing } from "./pairing.ts";

const key = "k".repeat(43);
const offer = { name: "firefox", subject: "userscript", expiresAt: null };
const open = () => {
  const stores = { store: createOAuthStore(), tokens: createTokenStore() };
  return { ...stores, pair: createPairing(stores) };
};

test("a code is good for ten minutes, and for no longer", async () => {
  const { store, pair } = open();
  const [first, second] = [await offerPairing(store, offer, 0), await offerPairing(store, offer, 0)];
  await expect(pair({ code: first.code, key, now: codeLifetime })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  await expect(pair({ code: second.code, key, now: codeLifetime - 1 })).resolves.toMatchObject({ name: "firefox" });
});

test("of many who show one code at once, one is paired", async () => {
  const { store, pair } = open();
  const { code } = await offerPairing(store, offer, 0);
  const tried = await Promise.allSettled(Array.from({ length: 5 }, () => pair({ code, key, now: 1 })));
  expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("after ten wrong codes none is looked at for a minute, the right one neither", async () => {
  const { store, pair } = open();
  const { code } = await offerPairing(store, offer, 0);
  for (let tried = 0; tried < 10; tried++)
    await expect(pair({ code: `ABCDE-${10_000 + tried}`, key, now: tried })).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
    });
  await expect(pair({ code, key, now: 100 })).rejects.toMatchObject({ code: "RATE_LIMITED" });
  await expect(pair({ code, key, now: 61_000 })).resolves.toMatchObject({ subject: "userscript" });
});

test("of a hundred wrong codes at the same time ten are looked at", async () => {
  const { store, pair } = open();
  let looked = 0;
  const find: typeof store.find = async (...args) => {
    looked++;
    return await store.find(...args);
  };
  const counted = createPairing({ store: { ...store, find }, tokens: createTokenStore() });
  const tried = await Promise.allSettled(
    Array.from({ length: 100 }, (_, at) => counted({ code: `ABCDE-${10_000 + at}`, key, now: 5 })),
  );
  expect(tried.filter(({ status }) => status === "fulfilled")).toEqual([]);
  expect(looked).toBe(10);
  const { code } = await offerPairing(store, offer, 0);
  await expect(pair({ code, key, now: 5 })).resolves.toMatchObject({ name: "firefox" });
});

test("a paired token of which it is not known what it may do is nobody's", async () => {
  const { store, tokens, pair } = open();
  const { code } = await offerPairing(store, offer, 0);
  const { token } = await pair({ code, key, now: 1 });
  const oauth = { find: async () => undefined, narrowing: async () => undefined };
  expect(await findBearer({ tokens, oauth }, `${token}.${key}`, 2)).toBeUndefined();
  const narrowing = { has: () => true, lacks: () => undefined };
  const found = await findBearer(
    { tokens, oauth: { ...oauth, narrowing: async () => narrowing } },
    `${token}.${key}`,
    2,
  );
  expect(found).toMatchObject({ callsOnly: true, whole: false, owner: false });
});
