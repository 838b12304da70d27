import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type {
  BackfillMark,
  KeptChannel,
  KeptMessage,
  LinkStatus,
  MessageQuery,
  MessageStore,
} from "../message-store.ts";
import { openDatabase, transact } from "./database.ts";

/** `gone` holds ids alone, so that a page that was asked for before a deletion cannot bring a text back. */
const schema = `
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, guild INTEGER NOT NULL, channel INTEGER NOT NULL, thread INTEGER NOT NULL, place INTEGER NOT NULL, authorId INTEGER NOT NULL,
    replyTo INTEGER NOT NULL, editedAt INTEGER NOT NULL, truncated INTEGER NOT NULL, bot INTEGER NOT NULL, author TEXT NOT NULL, attachments TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_channel ON messages (channel, id);
  CREATE INDEX messages_by_place ON messages (place, id);
  CREATE VIRTUAL TABLE words USING fts5(text, place, tokenize = "unicode61 remove_diacritics 2");
  INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
  CREATE TABLE gone (id INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE channels (id INTEGER PRIMARY KEY, guild INTEGER NOT NULL, parent INTEGER NOT NULL, name TEXT NOT NULL) STRICT;
  CREATE TABLE marks (
    channel INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, newest INTEGER NOT NULL, count INTEGER NOT NULL, ended TEXT NOT NULL, note TEXT NOT NULL
  ) STRICT;
  CREATE TABLE status (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL) STRICT;`;

/** 64-bit ids leave as texts, whatever a Number could hold. */
const columns = ["id", "guild", "channel", "thread", "authorId", "replyTo"]
  .map((name) => `CAST(m.${name} AS TEXT) AS ${name}`)
  .concat(["editedAt", "truncated", "bot", "author", "attachments", "text"].map((name) => `m.${name} AS ${name}`))
  .join(", ");

type Row = Readonly<Record<string, string | number>>;

const toMessage = (row: Row): KeptMessage => ({
  ...{ id: `${row.id}`, guild: `${row.guild}`, channel: `${row.channel}`, thread: fromId(row.thread) },
  ...{ authorId: fromId(row.authorId), author: `${row.author}`, bot: row.bot === 1 },
  ...{ text: `${row.text}`, truncated: row.truncated === 1, replyTo: fromId(row.replyTo) },
  ...{ attachments: JSON.parse(`${row.attachments}`) as KeptMessage["attachments"], editedAt: Number(row.editedAt) },
});

const toId = (id: string): bigint => (id === "" ? 0n : BigInt(id));
const fromId = (id: unknown): string => (String(id) === "0" ? "" : String(id));

/** The archive of messages in a database of its own, which a thread writes while others read. Throws `DatabaseError`. */
export function openMessageStore({ path, readOnly = false }: { path: string; readOnly?: boolean }): MessageStore {
  const db = openDatabase({ path, migrations: [schema], readOnly, busyMs: 2_000 });
  if (!readOnly) db.exec("PRAGMA secure_delete = ON");
  return { ...createReading(db), ...createWriting(db), close: () => close(db, readOnly) };
}

/** What was deleted is in the log of the database too, until that is emptied. */
function close(db: DatabaseSync, readOnly: boolean): void {
  if (!db.isOpen) return;
  if (!readOnly) emptyLog(db);
  db.close();
}

function emptyLog(db: DatabaseSync): void {
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // Somebody reads just now: the next time will do.
  }
}

function createReading(db: DatabaseSync) {
  const find = db.prepare(`SELECT ${columns} FROM messages m WHERE id = ?`);
  const channels = db.prepare(
    "SELECT CAST(id AS TEXT) AS id, CAST(guild AS TEXT) AS guild, CAST(parent AS TEXT) AS parent, name FROM channels ORDER BY id",
  );
  const mark = db.prepare(
    "SELECT CAST(oldest AS TEXT) AS oldest, CAST(newest AS TEXT) AS newest, count, ended, note FROM marks WHERE channel = ?",
  );
  const status = db.prepare("SELECT state, message, at FROM status");
  const countAll = db.prepare("SELECT count(*) AS n FROM messages");
  const countOne = db.prepare("SELECT count(*) AS n FROM messages WHERE place = ?");
  return {
    find(id: string): KeptMessage | undefined {
      const row = find.get(BigInt(id)) as Row | undefined;
      return row && toMessage(row);
    },
    search: (query: MessageQuery): readonly KeptMessage[] => search(db, query),
    count: (channel?: string): number =>
      Number(((channel === undefined ? countAll.get() : countOne.get(BigInt(channel))) as Row).n),
    channels: (): readonly KeptChannel[] =>
      (channels.all() as unknown as readonly KeptChannel[]).map((row) => ({ ...row, parent: fromId(row.parent) })),
    mark(channel: string): BackfillMark {
      const row = mark.get(BigInt(channel)) as Row | undefined;
      if (!row) return { oldest: "", newest: "", count: 0, ended: "", note: "" };
      const ended = row.ended as BackfillMark["ended"];
      return {
        oldest: fromId(row.oldest),
        newest: fromId(row.newest),
        count: Number(row.count),
        ended,
        note: `${row.note}`,
      };
    },
    status: (): LinkStatus =>
      (status.get() as LinkStatus | undefined) ?? { state: "off", message: "Nothing was begun yet.", at: 0 },
  };
}

/** Words are looked up newest first, without any sorting: ids grow with time, and the index is in their order. */
function search(db: DatabaseSync, query: MessageQuery): readonly KeptMessage[] {
  const { words, channel, author, before, since, limit } = query;
  const values: SQLInputValue[] = [];
  const conditions: string[] = [];
  const where = (condition: string, value: SQLInputValue): void => {
    conditions.push(condition);
    values.push(value);
  };
  const matching = words.length > 0;
  if (matching) {
    const places = [channel && `c${channel}`, author && `a${author}`].flatMap((word) =>
      word ? [`place : ${word}`] : [],
    );
    where("words MATCH ?", [`text : (${words.map(quote).join(" AND ")})`, ...places].join(" AND "));
  } else {
    if (channel !== undefined) {
      const thread = db.prepare("SELECT 1 FROM channels WHERE id = ? AND parent <> 0").get(BigInt(channel));
      where(thread ? "m.place = ?" : "m.channel = ?", BigInt(channel));
    }
    if (query.place !== undefined) where("m.place = ?", BigInt(query.place));
    if (author !== undefined) where("m.authorId = ?", BigInt(author));
  }
  const id = matching ? "words.rowid" : "m.id";
  if (before !== undefined) where(`${id} < ?`, BigInt(before));
  if (since !== undefined) where(`${id} >= ?`, BigInt(since));
  const from = matching ? "words JOIN messages m ON m.id = words.rowid" : "messages m";
  const text = `SELECT ${columns} FROM ${from} ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY ${id} DESC LIMIT ?`;
  return (db.prepare(text).all(...values, limit) as Row[]).map(toMessage);
}

const quote = (word: string): string => `"${word.replaceAll('"', '""')}"`;

function createWriting(db: DatabaseSync) {
  const find = db.prepare(`SELECT ${columns} FROM messages m WHERE id = ?`);
  const isGone = db.prepare("SELECT 1 FROM gone WHERE id = ?");
  const putMessage = db.prepare(
    "INSERT OR REPLACE INTO messages (id, guild, channel, thread, place, authorId, replyTo, editedAt, truncated, bot, author, attachments, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const putWords = db.prepare("INSERT INTO words (rowid, text, place) VALUES (?, ?, ?)");
  const dropWords = db.prepare("DELETE FROM words WHERE rowid = ?");
  const drop = db.prepare("DELETE FROM messages WHERE id = ?");
  const bury = db.prepare("INSERT OR IGNORE INTO gone VALUES (?)");
  const putChannel = db.prepare("INSERT OR REPLACE INTO channels (id, guild, parent, name) VALUES (?, ?, ?, ?)");
  const putMark = db.prepare(
    "INSERT OR REPLACE INTO marks (channel, oldest, newest, count, ended, note) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const putStatus = db.prepare("INSERT OR REPLACE INTO status (one, state, message, at) VALUES (1, ?, ?, ?)");
  const inChannel = db.prepare("SELECT CAST(id AS TEXT) AS id FROM messages WHERE channel = ? OR place = ? LIMIT 500");

  const kept = (id: string): KeptMessage | undefined => {
    const row = find.get(BigInt(id)) as Row | undefined;
    return row && toMessage(row);
  };
  const put = (message: KeptMessage): "new" | "changed" | "same" => {
    const { id, guild, channel, thread, author, authorId, text, attachments } = message;
    const key = BigInt(id);
    if (isGone.get(key)) return "same";
    const before = kept(id);
    // An older form may come late, from a page that was asked for before the edit.
    if (before && (before.editedAt > message.editedAt || JSON.stringify(before) === JSON.stringify(message)))
      return "same";
    const ids = [
      key,
      toId(guild),
      toId(channel),
      toId(thread),
      toId(thread || channel),
      toId(authorId),
      toId(message.replyTo),
    ];
    const flags = [message.editedAt, message.truncated ? 1 : 0, message.bot ? 1 : 0];
    putMessage.run(...ids, ...flags, author, JSON.stringify(attachments), text);
    if (before) dropWords.run(key);
    const names = attachments.map(({ name }) => name).join(" ");
    const place = [`c${channel}`, thread && `c${thread}`, authorId && `a${authorId}`].filter(Boolean).join(" ");
    putWords.run(key, `${author}\n${text}\n${names}`, place);
    if (!before) return "new";
    // That somebody goes by another name now is no edit.
    const told = ({ text, editedAt, attachments }: KeptMessage): string =>
      JSON.stringify([text, editedAt, attachments]);
    return told(before) === told(message) ? "same" : "changed";
  };
  const take = (id: string): KeptMessage | undefined => {
    const before = kept(id);
    if (!before) return undefined;
    dropWords.run(BigInt(id));
    drop.run(BigInt(id));
    return before;
  };
  return {
    put: (messages: readonly KeptMessage[]) => transact(db, () => messages.map(put)),
    remove(ids: readonly string[]): readonly KeptMessage[] {
      const removed = transact(db, () =>
        ids.flatMap((id) => {
          bury.run(BigInt(id));
          return take(id) ?? [];
        }),
      );
      if (removed.length > 0) emptyLog(db);
      return removed;
    },
    putChannel({ id, guild, parent, name }: KeptChannel): void {
      putChannel.run(toId(id), toId(guild), toId(parent), name);
    },
    dropChannel(id: string): void {
      const key = BigInt(id);
      for (;;) {
        const found = inChannel.all(key, key) as { readonly id: string }[];
        if (found.length === 0) break;
        transact(db, () => {
          for (const one of found) take(one.id);
        });
      }
      transact(db, () => {
        db.prepare("DELETE FROM marks WHERE channel = ? OR channel IN (SELECT id FROM channels WHERE parent = ?)").run(
          key,
          key,
        );
        db.prepare("DELETE FROM channels WHERE id = ? OR parent = ?").run(key, key);
      });
      emptyLog(db);
    },
    putMark(channel: string, { oldest, newest, count, ended, note }: BackfillMark): void {
      putMark.run(toId(channel), toId(oldest), toId(newest), count, ended, note);
    },
    putStatus({ state, message, at }: LinkStatus): void {
      putStatus.run(state, message, at);
    },
  };
}
