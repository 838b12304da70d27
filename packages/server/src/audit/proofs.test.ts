import { expect, test } from "vitest";
import type { StoredRecord } from "../stores/store.ts";
import { genesis, linkHash } from "./chain.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { type AuditKeys, rotateKeys, signerOf, verifierOf } from "./keys.ts";
import { createTree } from "./merkle.ts";
import { type AuditDraft, keyName, placeRecord, sealRecord } from "./record.ts";
import { formatVerifierKey } from "./signed-note.ts";
import { verifyChain } from "./verify.ts";

const empty: AuditKeys = { origin: "log.test/audit", signing: "", retired: [], hmac: [] };
const seed = "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const keys: AuditKeys = { ...empty, signing: seed };
const next = rotateKeys(keys);

const toDraft = (n: number, more: Partial<AuditDraft> = {}): AuditDraft => ({
  kind: "call",
  id: `id-${n}`,
  at: "2026-11-23T10:00:00.000Z",
  boot: "boot",
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

const rotation = toDraft(20, {
  kind: "system",
  method: keyName,
  args: { from: formatVerifierKey(verifierOf(keys)), to: formatVerifierKey(verifierOf(next)) },
});
const drafts = Array.from({ length: 30 }, (_, n) => (n === 20 ? rotation : toDraft(n)));
const good = chain(drafts);

function checkpoint(records: readonly StoredRecord[], size: number, by: readonly AuditKeys[]): string {
  const tree = createTree();
  for (const { hash } of records.slice(0, size)) tree.append(Buffer.from(hash, "hex"));
  return signCheckpoint({ origin: keys.origin, size, root: tree.root().toString("hex") }, by.map(signerOf));
}

const check = (records: readonly StoredRecord[], notes: readonly string[], from = keys) =>
  verifyChain(
    { read: async (after, limit) => records.filter(({ seq }) => seq > after).slice(0, limit) },
    { proofs: { notes: notes.map((note) => ({ note, source: "a witness" })), keys: [verifierOf(from)] } },
  );

test("checkpoints of every size hold over the log that they were signed over", async () => {
  const notes = good.slice(0, 20).map(({ seq }) => checkpoint(good, seq, [keys]));
  expect(await check(good, notes)).toMatchObject({
    status: "ok",
    proven: { checkpoints: 20, upTo: 20, witnessedUpTo: 20 },
  });
});

test("a history that was rewritten whole is found, and where it may begin", async () => {
  const rewritten = chain(drafts.map((draft, n) => (n === 12 ? { ...draft, outcome: "forged" } : draft)));
  const notes = [10, 19].map((size) => checkpoint(good, size, [keys]));
  expect(await check(rewritten, [])).toMatchObject({ status: "ok" });
  expect(await check(rewritten, notes)).toMatchObject({ exit: 1, fault: { kind: "checkpoint", seq: 11 } });
});

test("an end that was cut is found by a checkpoint over it", async () => {
  expect(await check(good.slice(0, 15), [checkpoint(good, 19, [keys])])).toMatchObject({
    exit: 1,
    fault: { kind: "truncated", seq: 16 },
  });
});

test("whoever trusts the old key follows to the new one, but only over a checkpoint that both have signed", async () => {
  const both = checkpoint(good, 21, [keys, next]);
  const later = checkpoint(good, 30, [next]);
  expect(await check(good, [both, later])).toMatchObject({ status: "ok", proven: { upTo: 30 } });
  expect(await check(good, [later])).toMatchObject({ exit: 1, fault: { kind: "checkpoint" } });
  const stranger = rotateKeys(keys);
  expect(await check(good, [both, checkpoint(good, 30, [stranger])])).toMatchObject({ exit: 1 });
  expect(await check(good, [both, later], stranger)).toMatchObject({ exit: 1, fault: { kind: "checkpoint" } });
});

test("a damaged checkpoint is not taken for none", async () => {
  expect(await check(good, ["nothing that could be read"])).toMatchObject({ exit: 1, fault: { kind: "checkpoint" } });
});
