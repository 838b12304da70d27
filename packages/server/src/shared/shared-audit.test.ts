import { afterEach, expect, test } from "vitest";
import { sealRecord } from "../audit/record.ts";
import { type AuditShare, ForeignRecord } from "../stores/audit-share.ts";
import { createAuditLog } from "../stores/memory/audit-log.ts";
import type { AuditLog, StoredRecord } from "../stores/store.ts";
import { createSharedAudit, type SharedAuditOptions } from "./shared-audit.ts";

const toDraft = (id: string, kind: "call" | "intent" = "call") =>
  sealRecord({ kind, id, at: "2026-11-23T10:00:00.000Z", boot: "boot", outcome: "ok" });
const chain = { origin: "log/a", keys: ["k"], name: "here" };

/** A share in memory that can be away, and that can lose what it had. */
function openShare() {
  let kept: StoredRecord[] = [];
  let away: string | undefined;
  const notes: string[] = [];
  let puts = 0;
  const check = (): void => {
    if (away !== undefined) throw new Error(away);
  };
  const share: AuditShare = {
    register: async () => check(),
    chains: async () => [chain],
    async last() {
      check();
      return kept.at(-1);
    },
    async put(_origin, records) {
      check();
      puts += 1;
      const had = kept.at(-1)?.seq ?? 0;
      for (const record of records) {
        const standing = kept.find(({ seq }) => seq === record.seq);
        if (standing && standing.hash !== record.hash) throw new ForeignRecord(`Another record ${record.seq}.`);
        if (!standing) kept.push(record);
      }
      kept.sort((a, b) => a.seq - b.seq);
      return had;
    },
    async putCheckpoint(_origin, _size, note) {
      check();
      notes.push(note);
    },
    read: async (_origin, after, limit) => kept.filter(({ seq }) => seq > after).slice(0, limit),
    checkpoints: async () => notes,
    fault: () => away,
  };
  return {
    share,
    notes,
    kept: () => kept.map(({ seq }) => seq),
    puts: () => puts,
    go: (why?: string) => {
      away = why;
    },
    lose: (from: number) => {
      kept = kept.filter(({ seq }) => seq < from);
    },
  };
}

const open = (share: AuditShare, local: AuditLog, more: Partial<SharedAuditOptions> = {}) => {
  let syncs = 0;
  const faults: string[] = [];
  const audit = createSharedAudit({
    ...{ local, share, chain: () => chain, whenAway: "spool", newest: () => undefined },
    sync: async () => {
      syncs += 1;
    },
    fault: (message) => faults.push(message),
    ...more,
  });
  ends.push(() => audit.close());
  return { audit, syncs: () => syncs, faults };
};
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

test("a record is acknowledged once the share has it, and many at once are few deliveries", async () => {
  const { share, kept, puts } = openShare();
  const { audit, syncs } = open(share, createAuditLog());
  await audit.append(toDraft("first"));
  expect(kept()).toEqual([1]);
  await Promise.all(Array.from({ length: 200 }, (_, n) => audit.append(toDraft(`id-${n}`))));
  expect(kept()).toHaveLength(201);
  expect(puts()).toBeLessThan(50);
  expect(syncs()).toBe(0);
});

test("while the share is away a record is acknowledged when it is on the disk, and delivered once when it is back", async () => {
  const { share, kept, go } = openShare();
  const { audit, syncs } = open(share, createAuditLog());
  await audit.append(toDraft("a"));
  go("away");
  for (const id of ["b", "c"]) await audit.append(toDraft(id));
  expect(syncs()).toBe(2);
  expect(audit.warning()).toContain("2 records");
  expect(audit.fault()).toBeUndefined();
  go();
  await expect.poll(kept).toEqual([1, 2, 3]);
  expect(audit.warning()).toBeUndefined();
});

test("who comes after a crash delivers what was left, from where the share is", async () => {
  const { share, kept, go } = openShare();
  const local = createAuditLog();
  go("away");
  const { audit } = open(share, local);
  for (const id of ["a", "b"]) await audit.append(toDraft(id));
  go();
  const next = open(share, local);
  await next.audit.append(toDraft("c"));
  expect(kept()).toEqual([1, 2, 3]);
});

test("a share that lost what it had gets it again", async () => {
  const { share, kept, lose } = openShare();
  const { audit } = open(share, createAuditLog());
  for (const id of ["a", "b", "c", "d"]) await audit.append(toDraft(id));
  lose(2);
  await audit.append(toDraft("e"));
  expect(kept()).toEqual([1, 2, 3, 4, 5]);
});

test("told to refuse, it records nothing while the share is away, and says why", async () => {
  const { share, go } = openShare();
  const local = createAuditLog();
  const { audit } = open(share, local, { whenAway: "refuse" });
  await audit.append(toDraft("a"));
  go("away");
  await expect(audit.append(toDraft("b"))).rejects.toThrow("away");
  expect(audit.fault()).toContain("away");
  expect((await local.head())?.seq).toBe(1);
  go();
  expect((await audit.append(toDraft("c"))).seq).toBe(2);
});

test("an intent that was refused after it was written is closed: nothing was done", async () => {
  const { share, kept } = openShare();
  const local = createAuditLog();
  let failing = true;
  const flaky: AuditShare = {
    ...share,
    put: (origin, records) => (failing ? Promise.reject(new Error("it stumbles")) : share.put(origin, records)),
  };
  const { audit } = open(flaky, local, { whenAway: "refuse" });
  await expect(audit.append(toDraft("a", "intent"))).rejects.toThrow("in time");
  failing = false;
  await expect.poll(kept).toEqual([1, 2]);
  const [, closing] = await local.read(0, 10);
  expect(JSON.parse(closing?.body ?? "")).toMatchObject({ kind: "call", id: "a", outcome: "UNAVAILABLE" });
});

test("a data folder that was put back from an older copy records nothing more", async () => {
  const { share } = openShare();
  const { audit } = open(share, createAuditLog());
  for (const id of ["a", "b", "c"]) await audit.append(toDraft(id));
  const older = createAuditLog();
  await older.append(toDraft("a"));
  await older.append(toDraft("other"));
  const next = open(share, older);
  await expect(next.audit.append(toDraft("more"))).rejects.toThrow();
  expect(next.audit.fault()).toContain("Nothing is recorded any more");
  await expect(next.audit.append(toDraft("again"))).rejects.toThrow("Nothing is recorded any more");
});

test("a checkpoint is shared after its records, and none is forgotten when the log is closed", async () => {
  const { share, notes, go } = openShare();
  const { audit } = open(share, createAuditLog());
  await audit.append(toDraft("a"));
  go("away");
  await audit.append(toDraft("b"));
  audit.checkpoint({ note: "over two", size: 2 });
  expect(notes).toEqual([]);
  go();
  await expect.poll(() => notes).toEqual(["over two"]);
});
