import { hash } from "node:crypto";
import type { TurnCounter, TurnResult } from "../turn-counter.ts";
import { type Redis, toScript } from "./driver.ts";
import type { RateCounterOptions } from "./rate-counter.ts";

/**
 * One grant has two keys: its turns by name, and its admitted calls by their times, of which as many are kept as the ceiling counts. A clock that went
 * back takes what lies in the future to have happened just now, so that it counts for one window at most.
 */
const count = toScript(`
local turns, calls = KEYS[1], KEYS[2]
local name, most, ceiling, idle, window = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(number) return string.format('%.17g', number) end
local function read(kept)
  local opened, last, count = string.match(kept, '^(%S+) (%S+) (%S+)$')
  return tonumber(opened), tonumber(last), tonumber(count)
end

local newest = redis.call('ZREVRANGE', calls, 0, 0, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) > now then
  for _, call in ipairs(redis.call('ZRANGEBYSCORE', calls, '(' .. text(now), '+inf')) do redis.call('ZADD', calls, text(now), call) end
  local all = redis.call('HGETALL', turns)
  for i = 1, #all, 2 do
    if all[i] ~= '#' then
      local opened, last, count = read(all[i + 1])
      redis.call('HSET', turns, all[i], text(math.min(opened, now)) .. ' ' .. text(math.min(last, now)) .. ' ' .. text(count))
    end
  end
end

local opened, made, ends = now, 0, now
local kept = redis.call('HGET', turns, name)
if kept then
  local from, last, count = read(kept)
  ends = math.min(last + idle, from + window)
  if ends > now then opened, made = from, count end
end
local back = nil
if ceiling >= 1 then back = redis.call('ZREVRANGE', calls, ceiling - 1, ceiling - 1, 'WITHSCORES')[2] end
local full = ceiling < 1 or (back and tonumber(back) > now - window)
if full or made >= most then
  local turnFree, ceilingFree = now, now
  if made >= most then turnFree = ends end
  if full then ceilingFree = (tonumber(back or now)) + window end
  local wait = text(math.max(turnFree, ceilingFree) - now)
  if not full then return {'turn', text(made), wait} end
  return {'ceiling', text(redis.call('ZCOUNT', calls, '(' .. text(now - window), '+inf')), wait}
end

local number = redis.call('HINCRBY', turns, '#', 1)
redis.call('HSET', turns, name, text(opened) .. ' ' .. text(now) .. ' ' .. text(made + 1))
redis.call('ZADD', calls, text(now), number)
redis.call('ZREMRANGEBYRANK', calls, 0, -(ceiling + 1))
if number % 64 == 0 then
  local all = redis.call('HGETALL', turns)
  for i = 1, #all, 2 do
    if all[i] ~= '#' then
      local from, last = read(all[i + 1])
      if math.min(last + idle, from + window) <= now then redis.call('HDEL', turns, all[i]) end
    end
  end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, string.format('%.0f', window + 60000)) end
return {'', text(made + 1)}`);

/** Turns shared by every process on one Redis, each count one script. */
export function createTurnCounter(redis: Redis, { clock = "engine" }: RateCounterOptions = {}): TurnCounter {
  return {
    async count({ grant, turn, calls, ceiling, idle, window, now }): Promise<TurnResult> {
      // A turn is named by a purpose, which may be private: what is kept only has to tell turns apart.
      const name = hash("sha256", turn, "base64url");
      const at = clock === "caller" ? now : "";
      const answer = await redis.run(
        count,
        [redis.key("turns", grant), redis.key("calls", grant)],
        [at, name, calls, ceiling, idle, window],
      );
      const [limit, made, wait] = answer as readonly ["" | "turn" | "ceiling", string, string?];
      if (limit === "") return { admitted: true, count: Number(made) };
      return { admitted: false, limit, count: Number(made), retryAfterMs: Number(wait) };
    },
  };
}
