import { describe, expect, test } from "vitest";
import { genesis, linkHash } from "../../../packages/server/src/audit/chain.ts";
import { parseRecord, sealRecord } from "../../../packages/server/src/audit/record.ts";
import { verifyChain } from "../../../packages/server/src/audit/verify.ts";
import { enginesOf, toDraft } from "./engines.ts";

describe.each(enginesOf("audit"))("the audit log on $engine", ({ open: audit }) => {
  test("chains each record to the one before, from 32 zero bytes on", async () => {
    const log = await audit();
    expect(await log.head()).toBeUndefined();
    const first = await log.append(sealRecord(toDraft("a")));
    const second = await log.append(sealRecord(toDraft("b")));
    expect([first.seq, second.seq]).toEqual([1, 2]);
    expect(parseRecord(first.body)).toEqual({ seq: 1, previous: genesis, ...toDraft("a") });
    expect(parseRecord(second.body).previous).toBe(first.hash);
    expect(second.hash).toBe(linkHash(first.hash, second.body));
    expect(await log.head()).toEqual(second);
  });

  test("is read in pages, oldest first", async () => {
    const log = await audit();
    for (const id of ["a", "b", "c", "d", "e"]) await log.append(sealRecord(toDraft(id)));
    const seqs = async (after: number, limit: number) => (await log.read(after, limit)).map(({ seq }) => seq);
    expect(await seqs(0, 2)).toEqual([1, 2]);
    expect(await seqs(2, 2)).toEqual([3, 4]);
    expect(await seqs(4, 2)).toEqual([5]);
    expect(await seqs(5, 2)).toEqual([]);
  });

  test("finds the records of one call among others, oldest first", async () => {
    const log = await audit();
    await log.append(sealRecord(toDraft("a", { kind: "intent" })));
    await log.append(sealRecord(toDraft("b")));
    await log.append(sealRecord(toDraft("a")));
    expect((await log.find("a")).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(await log.find("c")).toEqual([]);
  });

  test("chains a thousand parallel appends without a gap, and answers each with its own record", async () => {
    const log = await audit();
    const ids = Array.from({ length: 1_000 }, (_, n) => `id-${n}`);
    const stored = await Promise.all(ids.map((id) => log.append(sealRecord(toDraft(id)))));
    expect(stored.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(ids.map((_, n) => n + 1));
    expect(stored.map(({ body }) => parseRecord(body).id)).toEqual(ids);
    expect(await verifyChain(log)).toMatchObject({ status: "ok", records: 1_000 });
  });

  test("keeps of more than may wait at once as many as it can, and refuses the rest", async () => {
    const log = await audit();
    const results = await Promise.allSettled(
      Array.from({ length: 2_500 }, (_, n) => log.append(sealRecord(toDraft(`id-${n}`)))),
    );
    const kept = results.flatMap((result) => (result.status === "fulfilled" ? result.value.seq : []));
    expect(kept.length).toBeGreaterThanOrEqual(1_024);
    expect(kept).toEqual(kept.map((_, index) => index + 1));
    expect(await verifyChain(log)).toMatchObject({ status: "ok", records: kept.length });
  });

  test("keeps what was appended before it was closed, and refuses what comes after", async () => {
    const log = await audit();
    const pending = Array.from({ length: 20 }, (_, n) => log.append(sealRecord(toDraft(`id-${n}`))));
    const closing = log.close();
    expect((await Promise.all(pending)).length).toBe(20);
    await closing;
    await expect(log.append(sealRecord(toDraft("late")))).rejects.toThrow("closed");
  });
});
