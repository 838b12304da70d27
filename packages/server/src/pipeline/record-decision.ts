import type { Caller, Origin } from "./arrival.ts";
import { authenticate } from "./authenticate.ts";
import { openFacts } from "./facts.ts";
import type { Parts } from "./parts.ts";
import { recordOutcome } from "./record.ts";

/**
 * Records what the owner decided, before it takes effect. Rejects when whoever sent it is not the owner any more, or when it cannot be recorded:
 * then nothing may come of it.
 */
export async function recordDecision(
  parts: Parts,
  origin: Origin,
  { name, args }: { readonly name: string; readonly args: unknown },
): Promise<void> {
  const facts = openFacts(parts, origin, { kind: "method", name, args });
  const caller: Caller = await authenticate(parts, origin, "method");
  if (!caller.owner) throw new Error("Only the owner decides.");
  facts.caller = caller;
  const outcome = await recordOutcome(parts, facts, { ok: true, result: args, auditId: facts.id });
  if (!outcome.ok) throw new Error(outcome.message);
}
