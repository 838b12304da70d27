import { beforeAll, describe, expect, test } from "vitest";
import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { verifyChain } from "../../../packages/server/src/audit/verify.ts";
import { createAuditLog } from "../../../packages/server/src/stores/memory/audit-log.ts";
import { createAuditShare } from "../../../packages/server/src/stores/postgres/audit-share.ts";
import { createPolicyStore } from "../../../packages/server/src/stores/postgres/policy-store.ts";
import type { StoredRecord } from "../../../packages/server/src/stores/store.ts";
import { noPostgres } from "../../support/fleet/postgres.ts";
import { postgres, toDraft } from "./engines.ts";

let records: readonly StoredRecord[];

beforeAll(async () => {
  const log = createAuditLog();
  for (let n = 1; n <= 20; n++)
    await log.append(sealRecord(toDraft(`id-${n}`, { purpose: { text: "nul \0", stated: true } })));
  records = await log.read(0, 100);
});

describe.skipIf(noPostgres() !== undefined)("the shared audit on postgres", () => {
  test("keeps each record once, however often and in whatever pieces it is given", async () => {
    const share = createAuditShare(await postgres());
    await share.register({ origin: "log/a", keys: ["k1"], name: "here" });
    expect(await share.last("log/a")).toBeUndefined();
    await share.put("log/a", records.slice(0, 8));
    await Promise.all([share.put("log/a", records.slice(4, 20)), share.put("log/a", records.slice(0, 12))]);
    await share.put("log/a", records);
    expect(await share.read("log/a", 0, 100)).toEqual(records);
    expect(await share.last("log/a")).toEqual({ seq: 20, hash: records[19]?.hash });
    expect(await verifyChain({ read: (after, limit) => share.read("log/a", after, limit) })).toMatchObject({
      status: "ok",
      records: 20,
    });
  });

  test("never puts one record in the place of another", async () => {
    const share = createAuditShare(await postgres());
    await share.put("log/a", records.slice(0, 5));
    const other = { ...(records[4] as StoredRecord), hash: "f".repeat(64) };
    await expect(share.put("log/a", [other, records[5] as StoredRecord])).rejects.toThrow("record 5");
    expect((await share.read("log/a", 4, 1))[0]).toEqual(records[4]);
    // The same numbers of another log are its own.
    await share.put("log/b", [other]);
    expect(await share.last("log/b")).toMatchObject({ seq: 5 });
  });

  test("knows the logs with their newest keys, and their checkpoints in order", async () => {
    const db = await postgres();
    const share = createAuditShare(db);
    await share.register({ origin: "log/a", keys: ["k1"], name: "here" });
    await share.register({ origin: "log/a", keys: ["k2", "k1"], name: "here" });
    expect(await share.chains()).toEqual([{ origin: "log/a", keys: ["k2", "k1"], name: "here" }]);
    await share.putCheckpoint("log/a", 20, "second");
    await share.putCheckpoint("log/a", 10, "first");
    await share.putCheckpoint("log/a", 20, "another");
    expect(await share.checkpoints("log/a")).toEqual(["first", "second"]);
    await share.put("log/a", records);
    const [row] = await db.query(
      `SELECT id, kind, subject, tool, outcome, purpose FROM ${db.schema}.connector_audit WHERE seq = 3`,
    );
    expect(row).toEqual({
      id: "id-3",
      kind: "call",
      subject: "duck@home",
      tool: "fs.readFile",
      outcome: "ok",
      purpose: "nul \uFFFD",
    });
  });
});

describe.skipIf(noPostgres() !== undefined)("shared policies on postgres", () => {
  test("are put in each other's place as a whole, and begin once", async () => {
    const db = await postgres();
    const store = createPolicyStore(db);
    const a = [{ path: "a.yaml", text: "one" }];
    const b = [
      { path: "B.yaml", text: "two" },
      { path: "c.yaml", text: "three\n" },
    ];
    expect(await store.version()).toBe(0);
    expect(await store.read()).toEqual([]);
    const seeded = await Promise.all(Array.from({ length: 8 }, () => store.seed(a)));
    expect(seeded.filter(Boolean)).toHaveLength(1);
    expect(await store.publish(b)).toBe(2);
    expect(await store.seed(a)).toBe(false);
    expect(await store.read()).toEqual(b);
    // An emptied set is one too, and denies everything: nothing takes its place by itself.
    expect(await store.publish([])).toBe(3);
    expect(await store.read()).toEqual([]);
    expect(await store.seed(a)).toBe(false);
    expect(await store.version()).toBe(3);
  });

  test("nobody reads half of a set while another one is published", async () => {
    const db = await postgres();
    const store = createPolicyStore(db);
    const sets = ["x", "y"].map((text) => Array.from({ length: 20 }, (_, n) => ({ path: `${n}.yaml`, text })));
    await store.publish(sets[0] ?? []);
    let done = false;
    const writing = (async () => {
      for (let n = 0; n < 30; n++) await store.publish(sets[n % 2] ?? []);
      done = true;
    })();
    while (!done) {
      const read = await store.read();
      expect(read).toHaveLength(20);
      expect(new Set(read.map(({ text }) => text)).size).toBe(1);
    }
    await writing;
  });
});
