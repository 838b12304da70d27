import { expect, test } from "vitest";
import { type AuditDraft, sealRecord } from "../../audit/record.ts";
import { type Batch, type Committed, createCommitQueue } from "./commit-queue.ts";

const draft = (id: string, more: Partial<AuditDraft> = {}): AuditDraft => ({
  kind: "call",
  id,
  at: "2026-11-23T10:00:00.000Z",
  boot: "boot",
  outcome: "ok",
  ...more,
});

/** A disk that answers when the test says so. */
function createDisk() {
  const begun: { readonly batch: Batch; readonly done: (result: Committed) => void }[] = [];
  let abandoned = 0;
  const queue = createCommitQueue({
    begin: (batch, done) => void begun.push({ batch, done }),
    abandon: () => void abandoned++,
    hurry: () => {},
    readyAt: () => 0,
  });
  const written = (batch: Batch, first: number): Committed => ({
    first,
    previous: "0".repeat(64),
    hashes: batch.texts.map((_, index) => `${first + index}`.padStart(64, "0")),
  });
  return { queue, begun, written, abandoned: () => abandoned };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what comes while a commit is being written shares the next one", async () => {
  const { queue, begun, written } = createDisk();
  const first = queue.add(sealRecord(draft("a")));
  await turn();
  const later = ["b", "c"].map((id) => queue.add(sealRecord(draft(id))));
  await turn();
  expect(begun).toHaveLength(1);
  for (const seq of [1, 2]) {
    const { batch, done } = begun[seq - 1] ?? {};
    if (batch) done?.(written(batch, seq));
  }
  expect((await first).seq).toBe(1);
  expect((await Promise.all(later)).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(queue.depth()).toBe(0);
});

test("a disk that does not answer refuses those who wait and those who come, and what it writes later is told", async () => {
  const { queue, begun, written, abandoned } = createDisk();
  const waits = [
    queue.add(sealRecord(draft("effect", { kind: "intent", outcome: undefined }))),
    queue.add(sealRecord(draft("read"))),
  ];
  for (const wait of waits) await expect(wait).rejects.toThrow("has not taken");
  expect(abandoned()).toBe(1);
  expect(queue.fault()).toContain("does not take");
  await expect(queue.add(sealRecord(draft("next")))).rejects.toThrow("does not take");

  const { batch, done } = begun[0] ?? {};
  if (batch) done?.(written(batch, 1));
  expect(queue.fault()).toBeUndefined();
  await turn();
  const told = begun[1]?.batch.texts.map((text) => JSON.parse(`{${text}`) as AuditDraft);
  expect(told).toMatchObject([
    { kind: "call", id: "effect", outcome: "UNAVAILABLE" },
    { kind: "system", method: "audit.late", reason: expect.stringContaining("Records 1 to 2") },
  ]);
  expect(begun[1]?.batch.effects).toEqual([[0, false, "effect"]]);
});

test("a batch that nobody waited for and that was not written leaves no trace", async () => {
  const { queue, begun } = createDisk();
  await expect(queue.add(sealRecord(draft("a")))).rejects.toThrow("has not taken");
  begun[0]?.done({ locked: "is locked" });
  await turn();
  expect(begun).toHaveLength(1);
  expect([queue.depth(), queue.fault()]).toEqual([0, "is locked"]);
});

test("after a failure of the disk nothing is taken any more", async () => {
  const { queue, begun } = createDisk();
  const waits = ["a", "b"].map((id) => queue.add(sealRecord(draft(id))));
  await turn();
  begun[0]?.done({ broken: "The disk is full." });
  for (const wait of waits) await expect(wait).rejects.toThrow("The disk is full. Nothing is recorded any more");
  await expect(queue.add(sealRecord(draft("c")))).rejects.toThrow("until the server is restarted");
  expect(begun).toHaveLength(1);
  await queue.drain();
});
