import type { TurnCounter, TurnQuestion, TurnResult } from "../turn-counter.ts";

interface Turn {
  openedAt: number;
  lastAt: number;
  count: number;
}

/** What one grant has done lately: the times of its admitted calls, oldest first, and the turns that they fell into. */
interface Tally {
  calls: number[];
  readonly turns: Map<string, Turn>;
  /** When nothing of it counts any more. */
  endsAt: number;
}

/** Turns of one process. Counting rejects rather than forgets when `most` grants are active at once. */
export function createTurnCounter(most = 10_000): TurnCounter {
  const tallies = new Map<string, Tally>();

  const tallyOf = ({ grant, now }: TurnQuestion): Tally => {
    const found = tallies.get(grant);
    if (found) return found;
    if (tallies.size >= most) {
      for (const [key, { endsAt }] of tallies) if (endsAt <= now) tallies.delete(key);
      if (tallies.size >= most) throw new Error(`More than ${most} grants are active.`);
    }
    const fresh: Tally = { calls: [], turns: new Map(), endsAt: now };
    tallies.set(grant, fresh);
    return fresh;
  };

  return {
    async count(question) {
      const tally = tallyOf(question);
      forget(tally, question);
      return judge(tally, question);
    },
  };
}

function judge(tally: Tally, { turn, calls, ceiling, idle, window, now }: TurnQuestion): TurnResult {
  const made = tally.calls.length;
  const open = tally.turns.get(turn);
  const count = open?.count ?? 0;
  // The same question would be admitted once both limits have room; a new turn's name changes nothing about the ceiling.
  const turnFreeAt = open && count >= calls ? endOf(open, idle, window) : now;
  const ceilingFreeAt = made >= ceiling ? (tally.calls[made - ceiling] ?? now) + window : now;
  const retryAfterMs = Math.max(turnFreeAt, ceilingFreeAt) - now;
  if (made >= ceiling) return { admitted: false, limit: "ceiling", count: made, retryAfterMs };
  if (count >= calls) return { admitted: false, limit: "turn", count, retryAfterMs };

  tally.calls.push(now);
  tally.endsAt = now + window;
  tally.turns.set(turn, { openedAt: open?.openedAt ?? now, lastAt: now, count: count + 1 });
  return { admitted: true, count: count + 1 };
}

const endOf = ({ openedAt, lastAt }: Turn, idle: number, window: number): number =>
  Math.min(lastAt + idle, openedAt + window);

/** Drops what counts no more. Every open turn has a call within the window, so that neither list outgrows the ceiling for long. */
function forget(tally: Tally, { turn, idle, window, now }: TurnQuestion): void {
  if ((tally.calls.at(-1) ?? now) > now) turnBack(tally, now);
  const kept = tally.calls.findIndex((at) => at > now - window);
  if (kept !== 0) tally.calls = kept === -1 ? [] : tally.calls.slice(kept);
  const isClosed = (candidate: Turn): boolean => endOf(candidate, idle, window) <= now;
  const open = tally.turns.get(turn);
  if (open && isClosed(open)) tally.turns.delete(turn);
  if (tally.turns.size <= 2 * tally.calls.length + 16) return;
  for (const [name, candidate] of tally.turns) if (isClosed(candidate)) tally.turns.delete(name);
}

/** The clock went back: what lies in the future now is taken to have happened just now, so that it counts for one window at most. */
function turnBack(tally: Tally, now: number): void {
  tally.calls = tally.calls.map((at) => Math.min(at, now));
  for (const turn of tally.turns.values()) {
    turn.openedAt = Math.min(turn.openedAt, now);
    turn.lastAt = Math.min(turn.lastAt, now);
  }
}
