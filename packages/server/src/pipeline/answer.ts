import { CallError, type Citation, type Failure, resultText, type Success } from "@portcullis/contracts";
import { maskedSummary } from "../redaction/summary.ts";
import { EngineAway } from "../stores/engine.ts";
import type { Facts } from "./facts.ts";
import type { Parts } from "./parts.ts";
import type { Scrubbed } from "./redact.ts";
import type { ValidCall } from "./validate.ts";

/** The answer of a call that went well. Citations are of the answer as it was before masking: they tell places, not text. */
export function succeed(
  facts: Facts,
  call: ValidCall,
  answer: Scrubbed & { readonly shown: unknown; readonly maxBytes: number },
): Success {
  const citations: readonly Citation[] = call.tool.citations?.(answer.shown) ?? [];
  const summary = maskedSummary(answer.masked);
  const why = [
    ...(summary === undefined ? [] : [summary]),
    ...(call.tool.notes?.(answer.shown) ?? []),
    ...toLeftOut(facts),
  ];
  const success: Success = {
    ok: true,
    result: answer.value,
    auditId: facts.id,
    ...(why.length > 0 && { why }),
    ...(citations.length > 0 && { citations: [...citations] }),
    ...(facts.untrusted?.length && { untrusted: [...facts.untrusted] }),
    ...(facts.turn && { turn: facts.turn }),
    ...(facts.toldFlow && { flow: facts.toldFlow }),
  };
  const bytes = Buffer.byteLength(resultText(success));
  if (bytes > answer.maxBytes) {
    throw new CallError(
      "TOO_LARGE",
      `The answer of ${call.tool.name} has ${bytes} bytes; at most ${answer.maxBytes} may leave at once.`,
      {
        details: { bytes, limit: answer.maxBytes, next: "Ask for less: a range, a smaller depth, fewer results." },
      },
    );
  }
  return success;
}

const toLeftOut = ({ leftOut = 0, unasked }: Facts): readonly string[] => [
  ...(leftOut === 0
    ? []
    : [
        `left out ${leftOut} ${leftOut === 1 ? "result" : "results"}: this line of work may not hold both private data and what others can write`,
      ]),
  ...[...(unasked ?? [])].map(
    (place) => `${place} was not asked: it is not cleared for the private data that this line of work has seen`,
  ),
];

/**
 * Who calls is told that something is away, and not what or where: that is the owner's, who is told once, and not with every call.
 */
export const unavailable = (): CallError =>
  new CallError("UNAVAILABLE", "A store that this call needs does not answer, so nothing is done.", {
    details: { reason: "store", next: "Try again in a few seconds; the owner sees more with `portcullis doctor`." },
  });

/**
 * The one place where something thrown becomes an answer. A `CallError` is meant for the caller; anything else is a fault of ours, whose
 * cause goes to the log under the audit id and never leaves.
 */
export function fail(parts: Parts, facts: Facts, error: unknown): Failure {
  const turn = facts.turn && { turn: facts.turn };
  if (error instanceof EngineAway) return fail(parts, facts, unavailable());
  if (error instanceof CallError) {
    if (error.cause !== undefined) parts.log.error({ auditId: facts.id, err: error.cause }, error.message);
    const said = parts.redactor.scrub({ message: error.message, details: error.details ?? {} });
    const { message, details } = said.value as { message: string; details: Record<string, unknown> };
    facts.masked ??= said.masked;
    return { ok: false, code: error.code, message, ...(error.details && { details }), auditId: facts.id, ...turn };
  }
  parts.log.error({ auditId: facts.id, err: error, tool: facts.name }, "A call failed inside the server.");
  return {
    ok: false,
    code: "INTERNAL",
    message: "The server failed to do this; the cause is in its log under the audit id.",
    details: { next: `Ask the owner to look for ${facts.id} in the server's log.` },
    auditId: facts.id,
    ...turn,
  };
}
