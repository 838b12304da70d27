import { describe, expect, test } from "vitest";
import type { SessionRecord } from "../../../packages/server/src/stores/store.ts";
import { enginesOf } from "./engines.ts";

const toSession = (id: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  tokenId: "token",
  subject: "duck@home",
  door: "websocket",
  client: "",
  createdAt: 1_000,
  expiresAt: 2_000,
  ...more,
});

describe.each(enginesOf("sessions"))("the session store on $engine", ({ open: sessions }) => {
  test("gives back exactly what was added", async () => {
    const store = await sessions();
    await store.add(toSession("a"));
    expect(await store.find("a")).toEqual(toSession("a"));
    expect(await store.find("b")).toBeUndefined();
  });

  test("never replaces a session", async () => {
    const store = await sessions();
    await store.add(toSession("a"));
    await expect(store.add(toSession("a", { subject: "fox@home" }))).rejects.toThrow();
    expect(await store.find("a")).toEqual(toSession("a"));
  });

  test("extends a session that is there, and says so when it is not", async () => {
    const store = await sessions();
    await store.add(toSession("a"));
    expect(await store.extend("a", 3_000)).toBe(true);
    expect(await store.find("a")).toEqual(toSession("a", { expiresAt: 3_000 }));
    await store.remove("a");
    expect(await store.extend("a", 4_000)).toBe(false);
    expect(await store.find("a")).toBeUndefined();
  });

  test("sweeps what has ended and nothing else", async () => {
    const store = await sessions();
    await store.add(toSession("a", { expiresAt: 1_999 }));
    await store.add(toSession("b", { expiresAt: 2_001 }));
    expect(await store.sweep(2_000)).toBe(1);
    expect(await store.sweep(2_000)).toBe(0);
    expect(await store.find("a")).toBeUndefined();
    expect(await store.find("b")).toBeDefined();
  });

  test("a token's sessions are bounded: those that end first give way, and no other token's", async () => {
    const store = await sessions();
    await store.add(toSession("other", { tokenId: "other", expiresAt: 1 }));
    for (let n = 0; n < 1_001; n++) await store.add(toSession(`id-${n}`, { expiresAt: 2_000 + n }));
    expect(await store.find("id-0")).toBeUndefined();
    expect(await store.find("id-1")).toBeDefined();
    expect(await store.find("id-1000")).toBeDefined();
    expect(await store.find("other")).toBeDefined();
  });
});
