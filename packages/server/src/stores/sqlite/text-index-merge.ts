import type { DatabaseSync } from "node:sqlite";
import type { SegmentWriter } from "../store.ts";
import { most } from "./text-index-schema.ts";
import { addBlocks, dropSegments, forgetGone, toBytes, transact } from "./text-index-write.ts";

const nothing = new Uint8Array(0);

/** Begins a segment that will stand for others. Until it is finished no reader sees it; one whose writer died is cleared away at the next opening. */
export async function beginSegment(db: DatabaseSync, replaced: readonly number[]): Promise<SegmentWriter> {
  const id = await transact(db, () =>
    Number(
      db
        .prepare("INSERT INTO segments (documents, lengths, firsts, vocabulary) VALUES (?, ?, NULL, '')")
        .run(nothing, nothing).lastInsertRowid,
    ),
  );
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
          "SELECT count(*) AS n FROM segments WHERE firsts IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        );
        const whole = there.get(JSON.stringify(replaced))?.n === replaced.length;
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

/** Clears away what an unfinished merge has left. Only for the one process that merges. */
export const clearUnfinished = (db: DatabaseSync): Promise<void> =>
  transact(db, () =>
    dropSegments(
      db,
      db
        .prepare("SELECT id FROM segments WHERE firsts IS NULL")
        .all()
        .map(({ id }) => id as number),
    ),
  );
