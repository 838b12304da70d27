import { CallError } from "@portcullis/contracts";
import type { Caller } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";

/**
 * Counts the call against its turn before anything is done for it, so that denied and failed calls count too. A turn is what the client
 * names in its trace, else a run of calls with one purpose; the ceiling over all turns of a token makes invented names worthless.
 */
export async function guard(parts: Parts, caller: Caller, { trace, purpose }: Justification): Promise<void> {
  const { turnCalls, turnCeiling, turnIdleMs, turnWindowMs } = parts.limits;
  const result = await parts.turns.count({
    grant: caller.grant,
    turn: trace.turn === undefined ? `purpose:${purpose.text ?? ""}` : `turn:${trace.turn}`,
    calls: turnCalls,
    ceiling: turnCeiling,
    idle: turnIdleMs,
    window: turnWindowMs,
    now: parts.now(),
  });
  if (result.admitted) return;
  const [limit, what] =
    result.limit === "turn" ? [turnCalls, "in this turn"] : [turnCeiling, "by this token over all its turns"];
  throw new CallError(
    "TURN_LIMIT",
    `${limit} tool calls were made ${what}: that is the limit. Stop and tell the user what you have.`,
    {
      details: {
        limit: result.limit,
        calls: result.count,
        capacity: limit,
        retryAfterMs: result.retryAfterMs,
        next: "Batch what you still need: one search instead of many reads, fs.list with a depth instead of listing folder by folder. A new purpose begins a new turn.",
      },
    },
  );
}
