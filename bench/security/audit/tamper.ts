import { openAuditKeys, verifierOf } from "../../../packages/server/src/audit/keys.ts";
import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { verifyChain } from "../../../packages/server/src/audit/verify.ts";
import { openAuditLog, openAuditLogForReading } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import type { StoredRecord } from "../../../packages/server/src/stores/store.ts";
import { toDraft } from "./writers.ts";

const length = 200;

/** A log over an array: it gives out whatever the array holds, in that order. */
const toLog = (records: readonly StoredRecord[]) => ({
  read: async (after: number, limit: number) => {
    const at = after === 0 ? 0 : records.findLastIndex(({ seq }) => seq === after) + 1;
    return records.slice(at, at + limit);
  },
});

/** Every flip of a byte, drop, swap, duplicate and cut end of a log of 200 records, held against its one checkpoint. */
export async function measureTampering(folder: string): Promise<readonly string[]> {
  const log = openAuditLog(folder, { boot: "tamper" });
  for (let n = 0; n < length; n++) await log.append(sealRecord(toDraft(`id-${n}`)));
  await log.close();
  const reader = openAuditLogForReading(folder);
  const good = await reader.read(0, length + 1);
  const notes = reader.checkpoints().map((note) => ({ note, source: "the log" }));
  await reader.close();
  const keys = [verifierOf(openAuditKeys(folder))];
  const found = async (records: readonly StoredRecord[], seq?: number): Promise<boolean> => {
    const { status, fault } = await verifyChain(toLog(records), { proofs: { notes, keys } });
    return status === "tampered" && (seq === undefined || fault?.seq === seq);
  };
  if (await found(good)) return ["FAILED tampering: the untouched log is told to be tampered with"];

  const counts = new Map<string, { found: number; all: number }>();
  const count = (kind: string, isFound: boolean): void => {
    const entry = counts.get(kind) ?? { found: 0, all: 0 };
    counts.set(kind, { found: entry.found + Number(isFound), all: entry.all + 1 });
  };
  for (const [index, record] of good.entries()) {
    const before = good[index - 1];
    for (const field of ["body", "hash"] as const) {
      const bytes = Buffer.from(record[field]);
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        const damaged = [{ ...record, [field]: flipped.toString("utf8") }];
        // From the record before: what is good up to there has been read a thousand times.
        const after = before && { seq: before.seq, hash: before.hash };
        const { status, fault } = await verifyChain({ read: async () => damaged }, { after });
        count("byte flips", status === "tampered" && fault?.seq === record.seq);
      }
    }
    count("drops", await found(good.toSpliced(index, 1), index + 1));
    count("duplicates", await found(good.toSpliced(index, 0, record)));
    const next = good[index + 1];
    if (next) count("swaps", await found(good.toSpliced(index, 2, next, record), index + 1));
    count("cut ends past the checkpoint", await found(good.slice(0, index), index + 1));
  }
  for (const { note } of notes) {
    const bytes = Buffer.from(note);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const bent = [{ note: flipped.toString("utf8"), source: "the log" }];
      const { status } = await verifyChain(toLog(good), { proofs: { notes: bent, keys } });
      count("byte flips of the checkpoint", status === "tampered");
    }
  }
  return [...counts].map(
    ([kind, { found, all }]) =>
      `${found < all ? "FAILED " : ""}tampering: ${found} of ${all} ${kind} found at the right record`,
  );
}
