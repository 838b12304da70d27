/** Calls of one turn that one call could have been. */
export interface Repeated {
  readonly tool: string;
  readonly calls: number;
  /** What the places that they named have in common; undefined when that is nothing. */
  readonly under?: string;
}

/** Remembers what was done in the latest turns, to say what could have been done with less. It decides nothing. */
export interface TurnWork {
  /** Another call of a turn, the first of it when `count` is 1. */
  note(turn: string, count: number, call: { readonly tool: string; readonly args: unknown }): void;
  /** Tools that were called more than once, the most often called first. */
  repeated(turn: string): readonly Repeated[];
}

interface Tally {
  calls: number;
  /** The segments that all places so far begin with; undefined as soon as a call named no place. */
  under: readonly string[] | undefined;
}

const mostTurns = 1_000;
const mostTools = 50;
const mostTold = 5;
const longest = 1_024;

export function createTurnWork(): TurnWork {
  const turns = new Map<string, Map<string, Tally>>();
  return {
    note(turn, count, { tool, args }) {
      const known = count === 1 ? undefined : turns.get(turn);
      const tallies = known ?? new Map<string, Tally>();
      // The latest turns come last.
      turns.delete(turn);
      turns.set(turn, tallies);
      if (turns.size > mostTurns) turns.delete(turns.keys().next().value ?? "");
      const place = placeOf(args);
      const tally = tallies.get(tool);
      if (tally) {
        tally.calls += 1;
        tally.under = tally.under && place && shared(tally.under, place);
      } else if (tallies.size < mostTools) tallies.set(tool, { calls: 1, under: place });
    },
    repeated: (turn) =>
      [...(turns.get(turn) ?? [])]
        .filter(([, { calls }]) => calls > 1)
        .sort(([, a], [, b]) => b.calls - a.calls)
        .slice(0, mostTold)
        .map(([tool, { calls, under }]) => ({ tool, calls, ...(under?.length && { under: under.join("/") || "/" }) })),
  };
}

/** Arguments that name a place, in the order in which they count. */
const placeKeys = ["path", "dir", "uri", "url", "id"];

function placeOf(args: unknown): readonly string[] | undefined {
  if (typeof args !== "object" || args === null) return undefined;
  for (const key of placeKeys) {
    const place: unknown = Object.hasOwn(args, key) ? (args as Record<string, unknown>)[key] : undefined;
    if (typeof place === "string" && place.length <= longest)
      return place.split("/").slice(0, key === "dir" ? undefined : -1);
  }
  return undefined;
}

function shared(one: readonly string[], other: readonly string[]): readonly string[] {
  const end = one.findIndex((segment, at) => segment !== other[at]);
  return end < 0 ? one : one.slice(0, end);
}
