import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { StoredRecord } from "../stores/store.ts";
import { genesis, linkHash } from "./chain.ts";
import { type AuditDraft, placeRecord, sealRecord } from "./record.ts";
import { verifyChain } from "./verify.ts";

const toDraft = (n: number, more: Partial<AuditDraft> = {}): AuditDraft => ({
  kind: "call",
  id: `id-${n}`,
  at: new Date(1_800_000_000_000 + n).toISOString(),
  boot: "boot",
  tool: "fs.readFile",
  args: { path: `~/notes/größe-${n}.md`, odd: "\uFFFD" },
  outcome: "ok",
  ...more,
});

function chain(drafts: readonly AuditDraft[]): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (const [index, draft] of drafts.entries()) {
    const previous = records.at(-1)?.hash ?? genesis;
    const body = placeRecord(sealRecord(draft), index + 1, previous);
    records.push({ seq: index + 1, body, hash: linkHash(previous, body) });
  }
  return records;
}

/** A log over an array, which gives out whatever the array holds. */
const toLog = (records: readonly StoredRecord[]) => ({
  read: async (after: number, limit: number) => records.filter(({ seq }) => seq > after).slice(0, limit),
});

const length = 200;
let good: readonly StoredRecord[];
let expected: { readonly seq: number; readonly hash: string };

beforeAll(() => {
  good = chain(Array.from({ length }, (_, n) => toDraft(n)));
  expected = { seq: length, hash: good.at(-1)?.hash ?? "" };
});

const check = (records: readonly StoredRecord[]) => verifyChain(toLog(records), { expected });
const at = (records: readonly StoredRecord[], n: number): StoredRecord => records[n] ?? { seq: 0, body: "", hash: "" };

test("a whole log is good, however many pages it is read in", async () => {
  expect(await check(good)).toEqual({
    status: "ok",
    exit: 0,
    records: length,
    head: expected,
    unfinished: [],
    unfinishedCount: 0,
    unknown: 0,
  });
  const long = chain(Array.from({ length: 2_000 }, (_, n) => toDraft(n)));
  expect(await verifyChain(toLog(long))).toMatchObject({ status: "ok", records: 2_000 });
  expect(await verifyChain(toLog([]))).toMatchObject({ status: "ok", records: 0, head: undefined });
});

test("every flip of a single byte in a text or a hash is found at its record", async () => {
  const missed: string[] = [];
  for (const [index, record] of good.entries()) {
    const before = good[index - 1];
    const options = { after: before && { seq: before.seq, hash: before.hash } };
    for (const field of ["body", "hash"] as const) {
      const bytes = Buffer.from(record[field]);
      for (let byte = 0; byte < bytes.length; byte++) {
        const flipped = Buffer.from(bytes);
        flipped[byte] = (flipped[byte] ?? 0) ^ (1 << ((byte + index) % 8));
        const damaged = { ...record, [field]: flipped.toString("utf8") };
        const { status, fault } = await verifyChain(toLog([damaged]), options);
        if (status !== "tampered" || fault?.seq !== record.seq || fault.kind !== "altered")
          missed.push(`${field} ${record.seq}:${byte}`);
      }
    }
  }
  expect(missed).toEqual([]);
});

test("any other byte in the place of one is found", async () => {
  const record = at(good, 0);
  const bytes = Buffer.from(record.body);
  const changes = fc.asyncProperty(
    fc.nat(bytes.length - 1),
    fc.integer({ min: 1, max: 255 }),
    async (place, change) => {
      const damaged = Buffer.from(bytes);
      damaged[place] = (damaged[place] ?? 0) ^ change;
      const { fault } = await verifyChain(toLog([{ ...record, body: damaged.toString("utf8") }]));
      expect(fault).toMatchObject({ kind: "altered", seq: 1 });
    },
  );
  await fc.assert(changes, { numRuns: 3_000 });
});

test("every dropped record is found, the last by the head alone", async () => {
  for (let drop = 0; drop < length; drop++) {
    const kind = drop === length - 1 ? "truncated" : "missing";
    expect((await check(good.toSpliced(drop, 1))).fault).toMatchObject({ kind, seq: drop + 1 });
  }
  expect(await verifyChain(toLog(good.slice(0, -1)))).toMatchObject({ status: "ok" });
});

test("every dropped record is found when those after it are counted anew", async () => {
  for (let drop = 0; drop < length - 1; drop++) {
    const renumbered = good.toSpliced(drop, 1).map((record, index) => ({ ...record, seq: index + 1 }));
    expect((await check(renumbered)).fault).toMatchObject({ kind: "reordered", seq: drop + 1 });
  }
});

test("every swap of neighbours is found, and any other swap", async () => {
  const swap = (a: number, b: number) =>
    good.with(a, { ...at(good, b), seq: a + 1 }).with(b, { ...at(good, a), seq: b + 1 });
  for (let n = 0; n < length - 1; n++) {
    expect((await check(swap(n, n + 1))).fault).toMatchObject({ kind: "reordered", seq: n + 1 });
  }
  for (let n = 0; n < length / 2 - 1; n++) {
    expect((await check(swap(n, length - 1 - n))).fault).toMatchObject({ kind: "reordered", seq: n + 1 });
  }
});

test("every doubled record is found: in place, at the end and over another", async () => {
  for (let n = 0; n < length; n++) {
    const record = at(good, n);
    const inPlace = good.toSpliced(n, 0, record);
    expect((await check(inPlace)).fault).toMatchObject({ kind: "duplicate", seq: n + 1 });
    const atEnd = [...good, { ...record, seq: length + 1 }];
    expect((await check(atEnd)).fault).toMatchObject({ kind: "duplicate", seq: length + 1 });
    const renumbered = inPlace.map((one, index) => ({ ...one, seq: index + 1 }));
    expect((await check(renumbered)).fault).toMatchObject({ kind: "duplicate", seq: n + 2 });
  }
  expect((await check(good.with(9, { ...at(good, 4), seq: 10 }))).fault).toMatchObject({ kind: "duplicate", seq: 10 });
});

test("a record that was replaced with its hash is found where the chain breaks", async () => {
  const { hash: previous } = at(good, 98);
  const body = placeRecord(sealRecord(toDraft(99, { outcome: "forged" })), 100, previous);
  const forged = good.with(99, { seq: 100, body, hash: linkHash(previous, body) });
  expect((await check(forged)).fault).toMatchObject({ kind: "link", seq: 101 });
});

test("a record that names another one before it than its hash covers is found", async () => {
  const { hash: previous } = at(good, length - 2);
  const body = placeRecord(sealRecord(toDraft(length)), length, genesis);
  const forged = good.with(-1, { seq: length, body, hash: linkHash(previous, body) });
  expect((await verifyChain(toLog(forged))).fault).toMatchObject({ kind: "altered", seq: length });
});

test("a history rewritten to its end is found by the head alone", async () => {
  const rewritten = chain(Array.from({ length }, (_, n) => toDraft(n, n === 50 ? { outcome: "forged" } : {})));
  expect(await check(rewritten)).toMatchObject({ status: "tampered", fault: { kind: "link", seq: length } });
  expect(await verifyChain(toLog(rewritten))).toMatchObject({ status: "ok" });
});

describe("a damaged last record", () => {
  const torn = () => good.with(-1, { ...at(good, length - 1), body: '{"seq":200,"prev' });

  test("that nobody was told of is a torn write", async () => {
    const { seq, hash } = at(good, length - 2);
    const found = await verifyChain(toLog(torn()), { expected: { seq, hash } });
    expect(found).toMatchObject({ status: "incomplete", exit: 2, fault: { kind: "torn", seq: length } });
  });

  test("that was acknowledged, or that others follow, is not", async () => {
    expect(await check(torn())).toMatchObject({ exit: 1, fault: { kind: "altered", seq: length } });
    const middle = good.with(-2, { ...at(good, length - 2), body: "{" });
    const { seq, hash } = at(good, length - 3);
    expect(await verifyChain(toLog(middle), { expected: { seq, hash } })).toMatchObject({
      exit: 1,
      fault: { kind: "altered" },
    });
    expect(await verifyChain(toLog(torn()))).toMatchObject({ exit: 1, fault: { kind: "altered" } });
  });
});

test("an effect without an outcome is told, but not one of a process that still runs", async () => {
  const records = chain([
    toDraft(1, { kind: "intent", boot: "old" }),
    toDraft(2, { kind: "intent", boot: "old", tool: "http.fetch" }),
    toDraft(1, { boot: "old" }),
    toDraft(3, { kind: "intent", boot: "new" }),
  ]);
  const left = [
    { id: "id-2", seq: 2, tool: "http.fetch" },
    { id: "id-3", seq: 4, tool: "fs.readFile" },
  ];
  expect(await verifyChain(toLog(records))).toMatchObject({
    status: "incomplete",
    exit: 2,
    unfinished: left,
    unfinishedCount: 2,
  });
  const running = new Set(["new"]);
  expect(await verifyChain(toLog(records), { running })).toMatchObject({ exit: 2, unfinished: left.slice(0, 1) });
  expect(await verifyChain(toLog(records.slice(0, 1)), { running: new Set(["old"]) })).toMatchObject({ exit: 0 });
});

test("tampering outweighs what is incomplete", async () => {
  const records = chain([toDraft(1, { kind: "intent" }), toDraft(2), toDraft(3)]);
  expect(await verifyChain(toLog(records.toSpliced(1, 1)))).toMatchObject({
    exit: 1,
    fault: { kind: "missing", seq: 2 },
  });
});

test("a log that cannot be read is neither good nor tampered with", async () => {
  const read = async (after: number) => {
    if (after > 0) throw new Error("disk image is malformed");
    return Array.from({ length: 1_000 }, (_, n) => at(long, n));
  };
  const long = chain(Array.from({ length: 1_000 }, (_, n) => toDraft(n)));
  expect(await verifyChain({ read })).toMatchObject({
    status: "unreadable",
    exit: 3,
    records: 1_000,
    fault: { seq: 1_001 },
  });
});
