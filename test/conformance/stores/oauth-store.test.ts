import { describe, expect, test } from "vitest";
import type { OAuthRecord } from "../../../packages/server/src/stores/oauth-store.ts";
import { enginesOf } from "./engines.ts";

const toRecord = (id: string, more: Partial<OAuthRecord> = {}): OAuthRecord => ({
  kind: "AuthorizationCode",
  id,
  alias: null,
  grant: null,
  body: `{"id":"${id}"}`,
  createdAt: 1_000,
  expiresAt: 2_000,
  consumedAt: null,
  ...more,
});

describe.each(enginesOf("oauth"))("the store of logins on $engine", ({ open: oauth }) => {
  test("gives back what was put, and the latest in its place", async () => {
    const store = await oauth();
    await store.put(toRecord("a"));
    await store.put(toRecord("a", { kind: "Client" }));
    await store.put(toRecord("a", { body: "{}", expiresAt: null }));
    expect(await store.find("AuthorizationCode", "a")).toEqual(toRecord("a", { body: "{}", expiresAt: null }));
    expect(await store.find("Client", "a")).toEqual(toRecord("a", { kind: "Client" }));
    expect(await store.find("Client", "b")).toBeUndefined();
  });

  test("finds the latest by its second name, and lists the oldest first", async () => {
    const store = await oauth();
    await store.put(toRecord("b", { alias: "name", createdAt: 3_000 }));
    await store.put(toRecord("a", { alias: "name", createdAt: 2_000 }));
    expect((await store.findByAlias("AuthorizationCode", "name"))?.id).toBe("b");
    expect(await store.findByAlias("AuthorizationCode", "other")).toBeUndefined();
    expect((await store.list("AuthorizationCode")).map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("is used once, however many ask at once", async () => {
    const store = await oauth();
    await store.put(toRecord("a"));
    const used = await Promise.all(
      Array.from({ length: 32 }, (_, n) => store.consume("AuthorizationCode", "a", 1_500 + n)),
    );
    expect(used.filter(Boolean)).toHaveLength(1);
    expect(await store.consume("AuthorizationCode", "none", 1_500)).toBe(false);
    expect((await store.find("AuthorizationCode", "a"))?.consumedAt).toBeGreaterThanOrEqual(1_500);
  });

  test("ends what ends with a grant, what is removed, and what is over", async () => {
    const store = await oauth();
    await store.put(toRecord("a", { grant: "g" }));
    await store.put(toRecord("b", { grant: "g", kind: "Client" }));
    await store.put(toRecord("c"));
    await store.put(toRecord("d", { expiresAt: null }));
    await store.removeGrant("AuthorizationCode", "g");
    expect((await store.list("AuthorizationCode")).map(({ id }) => id)).toEqual(["c", "d"]);
    expect(await store.find("Client", "b")).toBeDefined();
    expect(await store.sweep(2_000)).toBe(0);
    expect(await store.sweep(2_001)).toBe(2);
    await store.remove("AuthorizationCode", "d");
    expect(await store.list("AuthorizationCode")).toEqual([]);
  });
});
