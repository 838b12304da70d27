import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EngineAway } from "../../../packages/server/src/stores/engine.ts";
import { openPostgres } from "../../../packages/server/src/stores/postgres/database.ts";
import { createTokenStore } from "../../../packages/server/src/stores/postgres/token-store.ts";
import { openRedis } from "../../../packages/server/src/stores/redis/driver.ts";
import { createFlowStore } from "../../../packages/server/src/stores/redis/flow-store.ts";
import { createRateCounter } from "../../../packages/server/src/stores/redis/rate-counter.ts";
import { noPostgres, startPostgres } from "../../support/fleet/postgres.ts";
import { noRedis, startRedis } from "../../support/fleet/redis.ts";
import type { EngineServer } from "../../support/fleet/server.ts";
import { atEnd } from "./engines.ts";

/** The machine is shared: what is promised within a second is waited for this long. */
const soon = { timeout: 10_000, interval: 20 };
const record = {
  id: "flow",
  subject: "duck@home",
  grant: "token",
  state: "{}",
  openedAt: 1,
  readAt: Date.now() + 60_000,
};

describe.skipIf(noRedis() !== undefined)("redis", () => {
  let server: EngineServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => server.thaw());

  const open = async (namespace: string) => {
    const redis = await openRedis({ url: server.url, namespace });
    atEnd(() => redis.close());
    return redis;
  };

  test.each(["kill", "freeze"] as const)(
    "that is gone (%s) is noticed without a question, refuses at once, and comes back by itself",
    async (how) => {
      const redis = await open(`gone-${how}`);
      const rates = createRateCounter(redis);
      const bucket = { key: "a", capacity: 2, perMinute: 1 };
      expect(await rates.take([bucket], 0)).toEqual({ granted: true });
      await server[how]();
      await expect.poll(() => redis.fault() ?? "", soon).toContain("is away");
      const begun = performance.now();
      for (let n = 0; n < 100; n++) await expect(rates.take([bucket], 0)).rejects.toBeInstanceOf(EngineAway);
      expect(performance.now() - begun).toBeLessThan(2_000);
      await (how === "kill" ? server.restart() : server.thaw());
      await expect.poll(() => redis.fault(), soon).toBeUndefined();
      expect(await rates.take([bucket], 0)).toEqual({ granted: true });
      expect(await rates.take([bucket], 0)).toMatchObject({ granted: false });
    },
  );

  test("counts by its own clock, so that replicas whose clocks differ refill nothing for each other", async () => {
    const [ahead, behind] = [createRateCounter(await open("clocks")), createRateCounter(await open("clocks"))];
    const bucket = { key: "a", capacity: 10, perMinute: 60 };
    const hour = 3_600_000;
    let granted = 0;
    for (let n = 0; n < 64; n++) {
      const { granted: given } =
        n % 2 ? await ahead.take([bucket], Date.now() + hour) : await behind.take([bucket], Date.now() - hour);
      granted += Number(given);
    }
    // One more perhaps for each second that the test itself takes.
    expect(granted).toBeGreaterThanOrEqual(10);
    expect(granted).toBeLessThan(20);
  });

  test("asked while it stops, everyone is told within the deadline", async () => {
    const redis = await open("deadline");
    server.freeze();
    const begun = performance.now();
    const asked = await Promise.allSettled(Array.from({ length: 64 }, () => redis.command("GET", redis.key("a"))));
    expect(performance.now() - begun).toBeLessThan(10_000);
    for (const one of asked) expect(one).toMatchObject({ status: "rejected", reason: expect.any(EngineAway) });
    server.thaw();
  });

  test("that syncs its writes has lost nothing when it was killed", async () => {
    const redis = await open("synced");
    const flows = await createFlowStore(redis);
    await flows.change("flow", () => record);
    await server.kill();
    await expect.poll(() => redis.fault() ?? "", soon).toContain("is away");
    await server.restart();
    await expect.poll(() => redis.fault(), soon).toBeUndefined();
    expect(await flows.find("flow")).toEqual(record);
    expect(await flows.find("other")).toBeUndefined();
  });

  test("that was emptied is found out: of every line of work nothing is known", async () => {
    const redis = await open("emptied");
    const flows = await createFlowStore(redis);
    await flows.change("flow", () => ({ ...record, readAt: Date.now() - 1 }));
    await redis.command("FLUSHALL");
    await server.kill();
    await expect.poll(() => redis.fault() ?? "", soon).toContain("is away");
    await server.restart();
    await expect.poll(() => redis.fault(), soon).toBeUndefined();
    expect(await flows.find("flow")).toMatchObject({ state: "lost" });
    expect(await flows.find("other")).toMatchObject({ state: "lost" });
    // What is written from then on is known again.
    await flows.change("flow", () => record);
    expect(await flows.find("flow")).toEqual(record);
  });

  test("that was emptied while it ran is found out with the next question, and labels are put back", async () => {
    const redis = await open("flushed");
    const flows = await createFlowStore(redis);
    await flows.change("flow", () => ({ ...record, readAt: Date.now() - 1 }));
    await flows.mark("file:///a", () => "labels");
    expect((await flows.marks()).get("file:///a")).toBe("labels");
    await redis.command("FLUSHALL");
    expect(await flows.find("flow")).toMatchObject({ state: "lost" });
    expect((await flows.marks()).get("file:///a")).toBe("labels");
    const other = await createFlowStore(await open("flushed"));
    expect(await other.find("another")).toMatchObject({ state: "lost" });
    expect((await other.marks()).get("file:///a")).toBe("labels");
  });

  test("that keeps nothing on its disk has no flow state", async () => {
    const forgetful = await startRedis({ keeps: false });
    atEnd(() => forgetful.stop());
    const redis = await openRedis({ url: forgetful.url, namespace: "forgetful" });
    atEnd(() => redis.close());
    await expect(createFlowStore(redis)).rejects.toThrow("keeps nothing on its disk");
  });
});

describe.skipIf(noPostgres() !== undefined)("postgres", () => {
  let server: EngineServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(() => server.thaw());

  const open = async (schema: string) => {
    const db = await openPostgres({ url: server.url, schema });
    atEnd(() => db.close());
    return db;
  };
  const token = {
    id: "id",
    name: "laptop",
    subject: "duck@home",
    hash: "hash",
    owner: false,
    createdAt: 1,
    expiresAt: null,
    revokedAt: null,
  };

  test("revoked on one connection, a token that another remembers ends there within a second", async () => {
    const [one, other] = [createTokenStore(await open("revoked")), createTokenStore(await open("revoked"))];
    await one.add(token);
    expect(await other.findByHash("hash")).toMatchObject({ revokedAt: null });
    await one.revoke("laptop", 2_000);
    expect(await one.findByHash("hash")).toMatchObject({ revokedAt: 2_000 });
    await expect.poll(async () => (await other.findByHash("hash"))?.revokedAt, soon).toBe(2_000);
  });

  test.each(["kill", "freeze"] as const)(
    "that is gone (%s) makes nobody remembered good, and comes back by itself",
    async (how) => {
      const db = await open(`gone_${how}`);
      const tokens = createTokenStore(db);
      await tokens.add(token);
      expect(await tokens.findByHash("hash")).toBeDefined();
      await server[how]();
      await expect.poll(() => db.fault() ?? "", soon).toContain("is away");
      await expect(tokens.findByHash("hash")).rejects.toBeInstanceOf(EngineAway);
      await (how === "kill" ? server.restart() : server.thaw());
      await expect.poll(() => db.fault(), soon).toBeUndefined();
      expect(await tokens.findByHash("hash")).toBeDefined();
    },
  );

  test("several that begin at once bring the schema up to date once, and a half of a step is none", async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => open("together")));
    for (const db of all) expect(db.fault()).toBeUndefined();
    const [db] = all;
    const rows = await db?.query("SELECT version FROM together.versions WHERE concern = 'migrations'");
    expect(Number(rows?.[0]?.version)).toBeGreaterThan(0);
    // Whoever died in the midst of it has left nothing.
    const half = await open("half");
    await half.query("DROP SCHEMA half CASCADE");
    await expect(
      half.transact("policy", async (query) => {
        await query("CREATE SCHEMA half");
        throw new Error("power");
      }),
    ).rejects.toThrow("power");
    const again = await open("half");
    expect(again.fault()).toBeUndefined();
    expect(await createTokenStore(again).list()).toEqual([]);
  });

  test("of a newer version it is left alone, and that is said", async () => {
    const db = await open("newer");
    await db.query("UPDATE newer.versions SET version = 99 WHERE concern = 'migrations'");
    const other = await openPostgres({ url: server.url, schema: "newer" });
    atEnd(() => other.close());
    expect(other.fault()).toContain("newer version");
    await expect(other.query("SELECT 1")).rejects.toBeInstanceOf(EngineAway);
  });

  test("that ends in the midst of a transaction fails that alone", async () => {
    const db = await open("midst");
    const working = db.transact("policy", async (query) => {
      await query("SELECT 1");
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await query("SELECT 1");
    });
    await expect(working).rejects.toBeInstanceOf(EngineAway);
    await server.restart();
    await expect.poll(() => db.fault(), soon).toBeUndefined();
    expect(await db.transact("policy", async () => "done")).toBe("done");
  });

  test("one that holds a lock and stops does not make the others think that the engine is away", async () => {
    const [stuck, other] = [await open("locked"), await open("locked")];
    const holding = stuck
      .transact("consent", async (query) => {
        await query("SELECT pg_sleep(1.5)");
      })
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(other.transact("consent", async (query) => query("SELECT 1"))).rejects.toBeInstanceOf(EngineAway);
    expect(other.fault()).toBeUndefined();
    await holding;
    await expect.poll(() => other.transact("consent", async () => "done").catch(() => "busy"), soon).toBe("done");
  });
});

test.each([
  ["postgres", () => openPostgres({ url: "postgres://127.0.0.1:1/x", load: () => Promise.reject(new Error("none")) })],
  ["redis", () => openRedis({ url: "redis://127.0.0.1:1", load: () => Promise.reject(new Error("none")) })],
])("without its driver %s says what to install", async (_engine, open) => {
  await expect(open()).rejects.toMatchObject({
    message: expect.stringContaining("not installed"),
    next: expect.stringContaining("npm install"),
  });
});
