import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createOAuthStore } from "../memory/oauth-store.ts";
import type { OAuthRecord, OAuthStore } from "../oauth-store.ts";
import { openState } from "./open-state.ts";

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

const engines: readonly { readonly engine: string; open(): OAuthStore }[] = [
  { engine: "memory", open: createOAuthStore },
  {
    engine: "sqlite",
    open() {
      const folder = mkdtempSync(join(tmpdir(), "portcullis-oauth-"));
      const state = openState(folder);
      endings.push(() => rmSync(folder, { recursive: true }), state.close);
      return state.oauth;
    },
  },
];

const toRecord = (id: string, more: Partial<OAuthRecord> = {}): OAuthRecord => ({
  kind: "AccessToken",
  id,
  alias: null,
  grant: null,
  body: `{"of":"${id}"}`,
  createdAt: 1_000,
  expiresAt: null,
  consumedAt: null,
  ...more,
});

describe.each(engines)("the authorization server's store on $engine", ({ open }) => {
  test("gives back what was kept, by its kind and id alone", async () => {
    const store = open();
    const record = toRecord("a", { alias: "other name", grant: "g", expiresAt: 5_000 });
    await store.put(record);
    expect(await store.find("AccessToken", "a")).toEqual(record);
    expect(await store.find("RefreshToken", "a")).toBeUndefined();
    expect(await store.find("AccessToken", "b")).toBeUndefined();
    await store.put({ ...record, body: "{}" });
    expect((await store.find("AccessToken", "a"))?.body).toBe("{}");
    await store.remove("AccessToken", "a");
    expect(await store.find("AccessToken", "a")).toBeUndefined();
  });

  test("finds the latest of a second name, and lists the oldest first", async () => {
    const store = open();
    await store.put(toRecord("late", { alias: "x", createdAt: 3_000 }));
    await store.put(toRecord("early", { alias: "x", createdAt: 2_000 }));
    await store.put(toRecord("other", { kind: "Grant", alias: "x" }));
    expect((await store.findByAlias("AccessToken", "x"))?.id).toBe("late");
    expect(await store.findByAlias("AccessToken", "y")).toBeUndefined();
    expect((await store.list("AccessToken")).map(({ id }) => id)).toEqual(["early", "late"]);
  });

  test("lets one caller use what may be used once", async () => {
    const store = open();
    await store.put(toRecord("code"));
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, at) => store.consume("AccessToken", "code", 2_000 + at)),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect((await store.find("AccessToken", "code"))?.consumedAt).toBeGreaterThanOrEqual(2_000);
    expect(await store.consume("AccessToken", "none", 2_000)).toBe(false);
  });

  test("drops what hangs on a grant, and what has expired", async () => {
    const store = open();
    await store.put(toRecord("a", { grant: "g" }));
    await store.put(toRecord("b", { grant: "h", expiresAt: 2_000 }));
    await store.put(toRecord("c", { kind: "RefreshToken", grant: "g" }));
    await store.removeGrant("AccessToken", "g");
    expect(await store.find("AccessToken", "a")).toBeUndefined();
    expect(await store.find("RefreshToken", "c")).toBeDefined();
    expect(await store.sweep(2_000)).toBe(0);
    expect(await store.sweep(2_001)).toBe(1);
    expect(await store.find("AccessToken", "b")).toBeUndefined();
  });
});
