import type { DatabaseSync } from "node:sqlite";
import type { SegmentWriter } from "../store.ts";
import { most } from "./text-index-schema.ts";
import { addBlocks, dropSegments, forgetGone, toBytes, transact } from "./text-index-write.ts";

const nothing = new Uint8Array(0);

/** No merge takes as long, in milliseconds: whoever began it has died. */
const longest = 3_600_000;

/**
 * Begins a segment that will stand for others. Until it is finished no reader sees it: it has no first terms, and the time of its beginning for a
 * vocabulary. What others have left unfinished is cleared away.
 */
export async function beginSegment(db: DatabaseSync, replaced: readonly number[]): Promise<SegmentWriter> {
  const id = await transact(db, () => {
    const left = db.prepare("SELECT id FROM segments WHERE firsts IS NULL AND CAST(vocabulary AS INTEGER) < ?");
    dropSegments(
      db,
      left.all(Date.now() - longest).map((row) => row.id as number),
    );
    const begin = db.prepare("INSERT INTO segments (documents, lengths, firsts, vocabulary) VALUES (?, ?, NULL, ?)");
    return Number(begin.run(nothing, nothing, String(Date.now())).lastInsertRowid);
  });
  const firsts: string[] = [];
  return {
    add: (blocks) =>
      transact(db, () => {
        addBlocks(db, { from: id * most + firsts.length, blocks });
        for (const { first } of blocks) firsts.push(first);
      }),
    finish: ({ documents, lengths, vocabulary }) =>
      transact(db, () => {
        const there = db.prepare(
          "SELECT count(*) AS n FROM segments WHERE id = ? OR (firsts IS NOT NULL AND id IN (SELECT value FROM json_each(?)))",
        );
        const whole = there.get(id, JSON.stringify(replaced))?.n === replaced.length + 1;
        dropSegments(db, whole ? replaced : [id]);
        if (whole)
          db.prepare("UPDATE segments SET documents = ?, lengths = ?, firsts = ?, vocabulary = ? WHERE id = ?").run(
            toBytes(documents),
            toBytes(lengths),
            firsts.join("\n"),
            vocabulary,
            id,
          );
        if (whole && documents.length === 0) dropSegments(db, [id]);
        forgetGone(db);
        return whole;
      }),
    abandon: () => transact(db, () => dropSegments(db, [id])),
  };
}
