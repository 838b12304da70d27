import type { AuditNote } from "@portcullis/contracts";
import { CallError } from "@portcullis/contracts";
import type { Caller } from "./arrival.ts";
import { guard } from "./guard.ts";
import type { Asked } from "./methods.ts";

const kinds: ReadonlySet<unknown> = new Set(["prompt", "completion", "note"] satisfies AuditNote["kind"][]);
const most = 16_384;

/** Adds a client's prompt or completion to the audit: all that it does is to be recorded. Notes count as calls of their turn. */
export async function note({ parts, params, facts }: Asked, caller: Caller): Promise<{ readonly auditId: string }> {
  const { kind, text, parent, turn } = params;
  const wrong = (at: string): CallError =>
    new CallError("INVALID_PARAMS", `The parameter ${at} of a note is wrong.`, { details: { at } });
  if (!kinds.has(kind)) throw wrong("kind");
  if (typeof text !== "string" || text === "" || text.length > most) throw wrong("text");
  for (const [at, value] of Object.entries({ parent, turn }))
    if (value !== undefined && (typeof value !== "string" || value === "" || value.length > 200)) throw wrong(at);
  const named = typeof turn === "string" ? { turn } : {};
  const trace = { ...named, ...(typeof parent === "string" && { parent }) };
  const justification = { trace: { turn: `note:${turn ?? parent ?? ""}` }, purpose: { stated: false } };
  await guard(parts, { caller, justification, arrival: { name: "audit.note", args: {} } }, () => {});
  facts.justification = { trace, purpose: { stated: false } };
  facts.args = { kind, text };
  return { auditId: facts.id };
}
