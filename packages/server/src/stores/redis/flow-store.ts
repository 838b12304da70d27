import { setTimeout as pause } from "node:timers/promises";
import { createShared } from "../engine.ts";
import type { FlowRecord, FlowStore } from "../flow-store.ts";
import { type Ask, type Redis, toScript } from "./driver.ts";

/** Puts a text in the place of the one that was read; 0 when that has changed meanwhile. */
const swap = toScript(`
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if (kept or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1]) else redis.call('INCR', KEYS[2]) end
return 1`);

const sweep = toScript(`
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, 1000)
for _, id in ipairs(gone) do redis.call('HDEL', KEYS[1], id) redis.call('ZREM', KEYS[2], id) end
return #gone`);

/** Notes under which life of Redis this is; when the one before may have taken something with it, since when that is so. */
const enter = toScript(`
local known = redis.call('HGET', KEYS[1], 'life')
if known ~= ARGV[1] then
  if ARGV[2] == '0' and (known or ARGV[4] == '1') then redis.call('HSET', KEYS[1], 'lost', ARGV[3]) end
  if not known and ARGV[4] == '1' then redis.call('HSET', KEYS[1], 'lost', ARGV[3]) end
  redis.call('HSET', KEYS[1], 'life', ARGV[1])
end
return redis.call('HGET', KEYS[1], 'lost') or ''`);

/** A field, and whether Redis still has what tells that it was not emptied. */
const read = toScript(`return {redis.call('HGET', KEYS[1], ARGV[1]) or '', redis.call('HEXISTS', KEYS[2], 'life')}`);

const readVersion = toScript(`return {redis.call('GET', KEYS[1]) or '', redis.call('HEXISTS', KEYS[2], 'life')}`);

const mostTries = 50;

type Work = (text: string) => readonly [text: string, score: string] | undefined;

/** No JSON, so that whoever reads it knows that nothing is known. */
const unknown = "lost";

/**
 * What lines of work have seen, on Redis. One that may have forgotten the latest of it (it was restarted and does not sync each write, or was emptied)
 * is noticed: every line that was not read since counts as one of which nothing is known. One that keeps all of it in memory is not used.
 */
export async function createFlowStore(redis: Redis): Promise<FlowStore> {
  const [flows, byRead] = [redis.key("flows"), redis.key("flows", "read")];
  const [marks, marksVersion] = [redis.key("marks"), redis.key("marks", "version")];
  let known: { readonly version: string; readonly marks: ReadonlyMap<string, string> } | undefined;
  let seen = false;
  let lostAt: number | undefined;

  const lives = redis.key("lives");
  const look = async (ask: Ask): Promise<void> => {
    const safe = await isSynced(ask);
    const life = await lifeOf(ask);
    const rest = ["1", lives, life, safe ? "1" : "0", String(Date.now()), seen ? "1" : "0"];
    const lost = String(await ask("EVAL", enter.text, ...rest));
    lostAt = lost === "" ? undefined : Number(lost);
    seen = true;
    // Labels of what was written are for ever: what one replica remembers of them, it puts back.
    for (const [uri, labels] of known?.marks ?? []) await ask("HSETNX", marks, uri, labels);
    if (known) await ask("INCR", marksVersion);
    known = undefined;
  };
  await redis.onReturn(look);

  const readField = async (key: string, field: string): Promise<string> => {
    const [text, whole] = (await redis.run(read, [key, lives], [field])) as readonly [string, number];
    if (whole === 1) return text;
    await look(redis.command);
    return readField(key, field);
  };
  const asRecord = (id: string, text: string): FlowRecord | undefined => {
    const record = text === "" ? undefined : (JSON.parse(text) as FlowRecord);
    if (lostAt === undefined || (record && record.readAt > lostAt)) return record;
    const { subject = "", grant = "", openedAt = lostAt } = record ?? {};
    return { id, subject, grant, state: unknown, openedAt, readAt: lostAt };
  };

  /** Reads, works and puts in its place, until no other process came between. */
  const tryExchange = async (keys: readonly [string, string], field: string, work: Work): Promise<void> => {
    for (let tries = 0; tries < mostTries; tries++) {
      if (tries > 1) await pause(Math.random() * Math.min(tries, 10) * 2);
      const text = await readField(keys[0], field);
      const next = work(text);
      if (next === undefined || next[0] === text) return;
      if ((await redis.run(swap, keys, [field, text, ...next])) === 1) return;
    }
    throw new Error(`${redis.name} was changed by others ${mostTries} times meanwhile.`);
  };
  const lastOf = new Map<string, Promise<void>>();
  /** One after another in this process, so that only others can come between. */
  const exchange = (keys: readonly [string, string], field: string, work: Work): Promise<void> => {
    const name = `${keys[0]} ${field}`;
    const before = lastOf.get(name)?.catch(() => {}) ?? Promise.resolve();
    const mine = before.then(() => tryExchange(keys, field, work));
    lastOf.set(name, mine);
    const forget = (): void => void (lastOf.get(name) === mine && lastOf.delete(name));
    mine.then(forget, forget);
    return mine;
  };

  // Asked several times in each call.
  const versionNow = createShared(
    async () => (await redis.run(readVersion, [marksVersion, lives], [])) as readonly [string, number],
  );

  return {
    find: async (id) => asRecord(id, await readField(flows, id)),
    change: (id, work) =>
      exchange([flows, byRead], id, (text) => {
        const record = work(asRecord(id, text));
        return record && [JSON.stringify({ ...record, id }), String(record.readAt)];
      }),
    async list() {
      const texts = (await redis.command("HVALS", flows)) as readonly string[];
      return texts
        .map((text) => JSON.parse(text) as FlowRecord)
        .toSorted((a, b) => b.readAt - a.readAt || (a.id < b.id ? -1 : 1));
    },
    async sweep(before) {
      let gone = 0;
      for (let some = -1; some !== 0; gone += some) some = Number(await redis.run(sweep, [flows, byRead], [before]));
      return gone;
    },
    mark: (uri, work) => exchange([marks, marksVersion], uri, (text) => [work(text === "" ? undefined : text), ""]),
    async marks() {
      const [version, whole] = await versionNow();
      if (whole !== 1) await look(redis.command);
      else if (known?.version === version) return known.marks;
      const pairs = (await redis.command("HGETALL", marks)) as Pairs;
      // Older than the rows at worst, so that they are read once more and never once too few.
      known = { version, marks: toMap(pairs) };
      return known.marks;
    },
  };
}

/** A map by the protocol's third version, a list of keys and values by its second. */
type Pairs = Readonly<Record<string, string>> | ReadonlyMap<string, string> | readonly string[];

function toMap(pairs: Pairs): ReadonlyMap<string, string> {
  if (pairs instanceof Map) return new Map(pairs);
  if (!Array.isArray(pairs)) return new Map(Object.entries(pairs as Readonly<Record<string, string>>));
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < pairs.length; at += 2) map.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return map;
}

async function lifeOf(ask: Ask): Promise<string> {
  const [, life] = /^run_id:(\w+)/m.exec(String(await ask("INFO", "server"))) ?? [];
  if (life === undefined) throw new Error("it does not tell its run_id.");
  return life;
}

/** Whether each write is on its disk before it is answered. Throws when nothing is ever kept: what files carry would be forgotten. */
async function isSynced(ask: Ask): Promise<boolean> {
  const info = String(await ask("INFO", "persistence"));
  if (!/^aof_enabled:1/m.test(info))
    throw new Error("it keeps nothing on its disk. Flow state needs `appendonly yes`, or PostgreSQL.");
  const said = await ask("CONFIG", "GET", "appendfsync").catch(() => []);
  return toMap(said as Pairs).get("appendfsync") === "always";
}
