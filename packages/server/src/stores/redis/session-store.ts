import type { SessionRecord, SessionStore } from "../store.ts";
import { type Redis, toScript } from "./driver.ts";

const mostOfToken = 1_000;

/** Keeps a session that is not there yet, and lets those of its token go that end first where there are too many. */
const add = toScript(`
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, -(${mostOfToken} + 1))) do
  redis.call('HDEL', KEYS[1], id) redis.call('ZREM', KEYS[2], id) redis.call('ZREM', KEYS[3], id)
  redis.call('INCR', KEYS[4])
end
return 1`);

const replace = toScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
return 1`);

const remove = toScript(`
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then return redis.call('INCR', KEYS[4]) end
return 0`);

/** Logins on Redis: of one that was emptied nothing is left but to log in again. */
export function createSessionStore(redis: Redis): SessionStore {
  const [sessions, byEnd, version] = [
    redis.key("sessions"),
    redis.key("sessions", "end"),
    redis.key("sessions", "version"),
  ];
  const keysOf = (tokenId: string): readonly string[] => [
    sessions,
    byEnd,
    redis.key("sessions", "of", tokenId),
    version,
  ];
  const read = async (id: string): Promise<string | undefined> => {
    const text = await redis.command("HGET", sessions, id);
    return typeof text === "string" ? text : undefined;
  };
  const toRecord = (text: string): SessionRecord => JSON.parse(text) as SessionRecord;
  const drop = async (id: string, tokenId: string): Promise<void> =>
    void (await redis.run(remove, keysOf(tokenId), [id]));

  return {
    async add(record) {
      const added = await redis.run(add, keysOf(record.tokenId), [record.id, JSON.stringify(record), record.expiresAt]);
      if (added !== 1) throw new Error("This session is kept already.");
    },
    async find(id) {
      const text = await read(id);
      return text === undefined ? undefined : toRecord(text);
    },
    async extend(id, expiresAt) {
      for (;;) {
        const text = await read(id);
        if (text === undefined) return false;
        const record = { ...toRecord(text), expiresAt };
        const args = [id, text, JSON.stringify(record), expiresAt];
        if ((await redis.run(replace, keysOf(record.tokenId), args)) === 1) return true;
      }
    },
    async remove(id) {
      const text = await read(id);
      if (text !== undefined) await drop(id, toRecord(text).tokenId);
    },
    async list() {
      const texts = (await redis.command("HVALS", sessions)) as readonly string[];
      return texts.map(toRecord).toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    },
    async sweep(now) {
      const ended = (await redis.command(
        "ZRANGEBYSCORE",
        byEnd,
        "-inf",
        `(${now}`,
        "LIMIT",
        "0",
        "1000",
      )) as readonly string[];
      for (const id of ended) {
        const text = await read(id);
        if (text !== undefined) await drop(id, toRecord(text).tokenId);
      }
      return ended.length;
    },
    version: async () => String((await redis.command("GET", version)) ?? ""),
  };
}
