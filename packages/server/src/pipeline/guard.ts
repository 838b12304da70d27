import { CallError, type Turn } from "@portcullis/contracts";
import type { Arrival, Caller } from "./arrival.ts";
import { toName } from "./facts.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";

export interface Counted {
  readonly caller: Caller;
  readonly justification: Justification;
  readonly arrival: Pick<Arrival, "name" | "args">;
}

/**
 * Counts the call against its turn before anything is done for it, so that denied and failed calls count too. A turn is the one whose handle the
 * client sends back, else the one that it names, else a run of calls with one purpose: who drops the handle is counted as before. The
 * ceiling over all turns of a token makes invented names worthless. `tell` is told of the turn, whether or not the call may go on.
 */
export async function guard(
  parts: Parts,
  { caller, justification, arrival }: Counted,
  tell: (turn: Turn) => void,
): Promise<void> {
  const { turnCalls, turnCeiling, turnIdleMs, turnWindowMs } = parts.limits;
  const { grant } = caller;
  const name = nameOf(parts, grant, justification);
  const result = await parts.turns.count({
    grant,
    turn: name,
    calls: turnCalls,
    ceiling: turnCeiling,
    idle: turnIdleMs,
    window: turnWindowMs,
    now: parts.now(),
  });
  const calls = result.admitted || result.limit === "turn" ? result.count : undefined;
  tell({ handle: parts.turnHandles.toHandle(grant, name), ...(calls !== undefined && { calls }), limit: turnCalls });
  if (result.admitted) {
    parts.turnWork.note(name, result.count, { tool: toName(arrival.name), args: arrival.args });
    return;
  }
  const [limit, what] =
    result.limit === "turn" ? [turnCalls, "in this turn"] : [turnCeiling, "by this token over all its turns"];
  const batch = parts.turnWork.repeated(name).map((repeated) => {
    const instead = parts.registry.find(repeated.tool)?.tool.batch;
    return { ...repeated, ...(instead !== undefined && { instead }) };
  });
  const hints = batch.map(
    ({ tool, calls: times, under, instead }) =>
      `${times} × ${tool}${under === undefined ? "" : ` under ${under}`}${instead === undefined ? "" : `: ${instead}`}`,
  );
  throw new CallError(
    "TURN_LIMIT",
    `${limit} tool calls were made ${what}: that is the limit. Stop and tell the user what you have.`,
    {
      details: {
        limit: result.limit,
        calls: result.count,
        capacity: limit,
        retryAfterMs: result.retryAfterMs,
        ...(batch.length > 0 && { batch }),
        next: `Batch what you still need. ${hints.length === 0 ? "One search stands for many reads, fs.list with a depth for many listings." : `Of this turn these could have been one call each: ${hints.join("; ")}.`} A new purpose begins a new turn.`,
      },
    },
  );
}

/** What the turn is counted under. A handle that is not this grant's is as good as none. */
function nameOf({ turnHandles }: Parts, grant: string, { trace, purpose }: Justification): string {
  const { turn } = trace;
  const byPurpose = `purpose:${purpose.text ?? ""}`;
  if (turn === undefined) return turnHandles.name(grant, byPurpose);
  if (!turn.startsWith("turn_")) return turnHandles.name(grant, `turn:${turn}`);
  return turnHandles.fromHandle(grant, turn) ?? turnHandles.name(grant, byPurpose);
}
