import { describe, expect, test } from "vitest";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import { DuplicateName, type TokenRecord } from "../../../packages/server/src/stores/store.ts";
import { atEnd, enginesOf, makeFolder } from "./engines.ts";

const toToken = (name: string, more: Partial<TokenRecord> = {}): TokenRecord => ({
  id: `id-of-${name}`,
  name,
  subject: "duck@home",
  hash: `hash-of-${name}`,
  owner: false,
  createdAt: 1_000,
  expiresAt: null,
  revokedAt: null,
  ...more,
});

describe.each(enginesOf("tokens"))("the token store on $engine", ({ open: tokens }) => {
  test("gives back exactly what was added, by hash and by id", async () => {
    const store = await tokens();
    const laptop = toToken("laptop", { owner: true, expiresAt: 9_000 });
    await store.add(laptop);
    expect(await store.findByHash("hash-of-laptop")).toEqual(laptop);
    expect(await store.find("id-of-laptop")).toEqual(laptop);
    expect(await store.findByHash("hash-of-Laptop")).toBeUndefined();
    expect(await store.find("laptop")).toBeUndefined();
  });

  test("lists all tokens, the oldest first", async () => {
    const store = await tokens();
    await store.add(toToken("young", { createdAt: 3_000 }));
    await store.add(toToken("old", { createdAt: 2_000 }));
    await store.revoke("old", 4_000);
    expect((await store.list()).map(({ name, revokedAt }) => [name, revokedAt])).toEqual([
      ["old", 4_000],
      ["young", null],
    ]);
  });

  test("a name is taken as long as its token is valid", async () => {
    const store = await tokens();
    await store.add(toToken("laptop", { expiresAt: 5_000 }));
    const next = toToken("laptop", { id: "second", hash: "second" });
    await expect(store.add({ ...next, createdAt: 4_999 })).rejects.toBeInstanceOf(DuplicateName);
    expect(await store.find("second")).toBeUndefined();
    await store.add({ ...next, createdAt: 5_000 });
    await store.revoke("laptop", 6_000);
    await store.add(toToken("laptop", { id: "third", hash: "third", createdAt: 6_000 }));
  });

  test("of two adds of one name at the same time one is refused", async () => {
    const store = await tokens();
    const adds = ["a", "b"].map((id) => store.add(toToken("laptop", { id, hash: id })));
    const kinds = (await Promise.allSettled(adds)).map(({ status }) => status).sort();
    expect(kinds).toEqual(["fulfilled", "rejected"]);
    expect(await store.list()).toHaveLength(1);
  });

  test("revokes by name and by id, once", async () => {
    const store = await tokens();
    await store.add(toToken("laptop"));
    await store.add(toToken("phone"));
    expect(await store.revoke("laptop", 2_000)).toEqual({ ...toToken("laptop"), revokedAt: 2_000 });
    expect(await store.revoke("laptop", 3_000)).toBeUndefined();
    expect(await store.revoke("id-of-phone", 3_000)).toMatchObject({ name: "phone", revokedAt: 3_000 });
    expect(await store.findByHash("hash-of-laptop")).toMatchObject({ revokedAt: 2_000 });
  });

  test("has nothing to revoke in an unknown or an expired token", async () => {
    const store = await tokens();
    await store.add(toToken("laptop", { expiresAt: 5_000 }));
    expect(await store.revoke("desktop", 2_000)).toBeUndefined();
    expect(await store.revoke("laptop", 5_000)).toBeUndefined();
    expect(await store.revoke("laptop", 4_999)).toBeDefined();
  });

  test("a token whose name is another's id does not stand in for it", async () => {
    const store = await tokens();
    await store.add(toToken("laptop"));
    await store.add(toToken("id-of-laptop", { id: "other", hash: "other" }));
    expect(await store.revoke("id-of-laptop", 2_000)).toMatchObject({ name: "laptop" });
  });
});

test("what one process revokes is revoked for every other at once", async () => {
  const folder = makeFolder();
  const [server, command] = [openState(folder), openState(folder)];
  for (const state of [server, command]) atEnd(() => state.close());
  await command.tokens.add(toToken("laptop"));
  expect(await server.tokens.findByHash("hash-of-laptop")).toMatchObject({ revokedAt: null });
  await command.tokens.revoke("laptop", 2_000);
  expect(await server.tokens.findByHash("hash-of-laptop")).toMatchObject({ revokedAt: 2_000 });
});
