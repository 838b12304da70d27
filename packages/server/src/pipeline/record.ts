import { CallError, type Failure, type Outcome, resultText, toUri } from "@portcullis/contracts";
import { type AuditDraft, sealRecord } from "../audit/record.ts";
import type { Facts } from "./facts.ts";
import { leaves } from "./leaves.ts";
import type { Parts } from "./parts.ts";
import type { ValidCall } from "./validate.ts";

const noRecord =
  "The audit cannot be written, so nothing is done: no record, no answer. Ask the owner to look at `portcullis doctor`.";

/** Records a call that changes or sends something before it happens; a call that only reads needs its outcome alone. */
export async function recordIntent(parts: Parts, facts: Facts, { tool }: Pick<ValidCall, "tool">): Promise<void> {
  if (tool.effect === "read" && !leaves(parts, tool, facts.resources)) return;
  try {
    await parts.audit.append(
      sealRecord({ ...toDraft(parts, facts), kind: "intent", decision: "allow", scope: allowedBy(facts) }),
    );
  } catch (cause) {
    throw new CallError("UNAVAILABLE", noRecord, { cause, details: { reason: "audit" } });
  }
}

/**
 * Seals the outcome into the audit and hands it on. When the record cannot be written the caller gets `UNAVAILABLE` in place of whatever
 * the call came to. Never rejects.
 */
export async function recordOutcome<O extends Outcome>(parts: Parts, facts: Facts, outcome: O): Promise<O | Failure> {
  try {
    await parts.audit.append(sealRecord({ ...toDraft(parts, facts), ...toEnd(parts, facts, outcome) }));
    count(parts, facts, outcome.ok ? "ok" : outcome.code);
    return outcome;
  } catch (error) {
    count(parts, facts, "UNAVAILABLE");
    parts.log.error({ auditId: facts.id, err: error }, "The audit cannot be written.");
    return { ok: false, code: "UNAVAILABLE", message: noRecord, details: { reason: "audit" }, auditId: facts.id };
  }
}

/** A name that is no tool's is the caller's own invention, and no label. */
function count(parts: Parts, facts: Facts, code: string): void {
  const tool = parts.registry.find(facts.name) ? facts.name : "unknown";
  const durationUs = Number((parts.ticks() - facts.startedAt) / 1_000n);
  parts.metrics.count(facts, tool, code, durationUs);
  parts.spans?.end(facts, { tool, code, durationUs });
}

function toDraft(parts: Parts, facts: Facts): AuditDraft {
  const { origin, caller, justification } = facts;
  const trace = justification?.trace;
  // What the caller wrote is scrubbed as an answer is: a secret in an argument stays out of the audit.
  const said = {
    client: origin.client,
    agent: trace?.agent,
    [facts.kind === "method" || facts.kind === "refused" ? "method" : "tool"]: facts.name,
    resources: facts.resources?.map(toUri),
    args: facts.args,
    purpose: justification?.purpose,
    turn: trace?.turn,
    parent: trace?.parent,
    traceId: trace?.traceparent?.slice(3, 35),
  };
  const scrubbed = parts.redactor.scrub(said).value as typeof said;
  return {
    ...scrubbed,
    // Masked first: an HMAC of a secret would let whoever holds the key guess at it.
    args: parts.conceal(scrubbed.args, facts.kind),
    kind: facts.kind,
    id: facts.id,
    at: new Date(facts.at).toISOString(),
    boot: parts.boot,
    subject: caller?.subject,
    grant: caller?.grant,
    session: caller?.session,
    door: origin.door,
    peer: origin.peer,
    policy: facts.policy,
    consent: facts.consent,
    labels: facts.labels,
    flow: facts.flow,
    bytesIn: facts.bytesIn,
  };
}

function toEnd(parts: Parts, facts: Facts, outcome: Outcome): Partial<AuditDraft> {
  const allowed = facts.verdicts !== undefined;
  return {
    decision: allowed ? "allow" : facts.kind === "call" ? "deny" : undefined,
    scope: allowed ? allowedBy(facts) : outcome.ok ? undefined : deniedBy(outcome),
    reason: outcome.ok ? undefined : outcome.message,
    masks: facts.masked && Object.keys(facts.masked).length > 0 ? facts.masked : undefined,
    bytesOut: outcome.ok ? Buffer.byteLength(resultText(outcome)) : undefined,
    result: facts.kind === "call" && outcome.ok ? parts.digest(resultText(outcome)) : undefined,
    durationUs: Number((parts.ticks() - facts.startedAt) / 1_000n),
    outcome: outcome.ok ? "ok" : outcome.code,
  };
}

/** The scopes that allowed the call, by their ids. */
const allowedBy = (facts: Facts): string =>
  [...new Set(facts.verdicts?.flatMap(({ scopes }) => scopes.map(({ id }) => id)))].join(" ");

function deniedBy({ details }: Failure): string | null {
  const scope = details?.scope as { readonly id?: string } | null | undefined;
  return scope?.id ?? null;
}
