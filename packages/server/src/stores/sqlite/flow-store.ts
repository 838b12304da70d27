import type { DatabaseSync } from "node:sqlite";
import type { FlowRecord, FlowStore } from "../flow-store.ts";
import { transact } from "./database.ts";

export const flowSchema = `
  CREATE TABLE flows (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, "grant" TEXT NOT NULL, state TEXT NOT NULL, openedAt INTEGER NOT NULL, readAt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX flows_by_read ON flows (readAt);
  CREATE TABLE flowMarks (uri TEXT PRIMARY KEY, labels TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE flowMarksVersion (version INTEGER NOT NULL) STRICT;
  INSERT INTO flowMarksVersion VALUES (0);`;

/** Flows are read anew on each question, so that what another process has added counts from that moment. */
export function createFlowStore(db: DatabaseSync): FlowStore {
  const all = `SELECT id, subject, "grant", state, openedAt, readAt FROM flows`;
  const find = db.prepare(`${all} WHERE id = ?`);
  const list = db.prepare(`${all} ORDER BY readAt DESC, id`);
  const put = db.prepare("INSERT OR REPLACE INTO flows VALUES (?, ?, ?, ?, ?, ?)");
  const sweep = db.prepare("DELETE FROM flows WHERE readAt < ?");
  const findMark = db.prepare("SELECT labels FROM flowMarks WHERE uri = ?");
  const putMark = db.prepare("INSERT OR REPLACE INTO flowMarks VALUES (?, ?)");
  const listMarks = db.prepare("SELECT uri, labels FROM flowMarks");
  const version = db.prepare("SELECT version FROM flowMarksVersion");
  const bump = db.prepare("UPDATE flowMarksVersion SET version = version + 1");
  let known: { readonly version: number; readonly marks: ReadonlyMap<string, string> } | undefined;

  const toRecord = (row: unknown): FlowRecord | undefined =>
    row === undefined ? undefined : { ...(row as FlowRecord) };
  // What a flow has seen must not be forgotten with the power: these commits, which are rare, are synced.
  const durably = <T>(work: () => T): T => {
    db.exec("PRAGMA synchronous = FULL");
    try {
      return transact(db, work);
    } finally {
      db.exec("PRAGMA synchronous = NORMAL");
    }
  };
  const versionNow = (): number => (version.get() as { readonly version: number }).version;

  return {
    find: async (id) => toRecord(find.get(id)),
    async change(id, work) {
      durably(() => {
        const record = work(toRecord(find.get(id)));
        if (record) put.run(id, record.subject, record.grant, record.state, record.openedAt, record.readAt);
      });
    },
    list: async () => list.all().flatMap((row) => toRecord(row) ?? []),
    sweep: async (before) => Number(sweep.run(before).changes),
    async mark(uri, work) {
      durably(() => {
        const kept = (findMark.get(uri) as { readonly labels: string } | undefined)?.labels;
        const labels = work(kept);
        if (labels === kept) return;
        putMark.run(uri, labels);
        bump.run();
      });
    },
    async marks() {
      const now = versionNow();
      if (known?.version === now) return known.marks;
      const rows = listMarks.all() as unknown as readonly { readonly uri: string; readonly labels: string }[];
      // Older than the rows at worst, so that they are read once more and never once too few.
      known = { version: now, marks: new Map(rows.map(({ uri, labels }) => [uri, labels])) };
      return known.marks;
    },
  };
}
