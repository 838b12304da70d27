import { CallError, type EventTold, toUri } from "@portcullis/contracts";
import type { Permit } from "../adapters/adapter.ts";
import type { Next } from "../events/backlog.ts";
import { maskedSummary } from "../redaction/summary.ts";
import { fail } from "./answer.ts";
import type { Notification, Sink } from "./arrival.ts";
import { type Authorization, authorize } from "./authorize.ts";
import { confine } from "./confine.ts";
import { openFacts } from "./facts.ts";
import type { Parts } from "./parts.ts";
import { recordOutcome } from "./record.ts";
import type { Subscription } from "./subscriptions.ts";

/** Events that leave under one record of the audit. */
const atOnce = 32;

/** Tells a subscription's reader what waits for it, as fast as it reads: judged, scrubbed and recorded first. */
export function pump(parts: Parts, subscription: Subscription): void {
  if (subscription.pumping || !subscription.sink || subscription.backlog.isEmpty) return;
  subscription.pumping = true;
  flow(parts, subscription)
    .catch((error) => endWith(parts, subscription, error, "keep"))
    .finally(() => {
      subscription.pumping = false;
      // Something may have come between the last look and now, or another reader.
      if (subscription.sink && !subscription.backlog.isEmpty) pump(parts, subscription);
    });
}

async function flow(parts: Parts, subscription: Subscription): Promise<void> {
  const { backlog } = subscription;
  for (let sink = subscription.sink; sink && !backlog.isEmpty; sink = subscription.sink) {
    await untilReady(sink);
    if (sink === subscription.sink) await parts.subscriptions.turn(() => tellNext(parts, subscription, sink));
  }
}

function tellNext(parts: Parts, subscription: Subscription, sink: Sink): Promise<void> | undefined {
  if (sink !== subscription.sink) return undefined;
  const authorization = judge(parts, subscription);
  const items: Next[] = [];
  const allows = allowsOf(authorization?.permit);
  while (items.length < atOnce) {
    const next = subscription.backlog.next((happening) => subscription.topic.show(happening, allows));
    if (!next) break;
    items.push(next);
  }
  return items.length > 0 ? tell(parts, subscription, { sink, items, authorization }) : undefined;
}

/** A connection that has ended may never be ready again. */
const untilReady = (sink: Sink): Promise<void> => {
  if (sink.gone.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  sink.gone.addEventListener("abort", done, { once: true });
  sink.ready().then(done, done);
  return promise.finally(() => sink.gone.removeEventListener("abort", done));
};

const allowsOf = (permit: Permit | undefined): Permit["allows"] => (permit ? permit.allows : () => true);

/** As policy judges now; throws when it allows the subscription no more. */
function judge(parts: Parts, { question }: Subscription): Authorization | undefined {
  if (!question) return undefined;
  const decision = authorize(parts, question);
  if (decision.permit) return decision;
  const [{ verdict, resource }] = decision.denied;
  const { reason, scope, message, next, proposal } = verdict;
  throw new CallError("PERMISSION_DENIED", message, {
    details: { scope, reason, resource: toUri(resource), smallestScope: proposal, next },
  });
}

/** Ends a subscription that policy allows no more, though nothing happens. */
export function lookAfter(parts: Parts, subscription: Subscription): void {
  try {
    judge(parts, subscription);
  } catch (error) {
    endWith(parts, subscription, error, "remove");
  }
}

interface Batch {
  readonly sink: Sink;
  readonly items: readonly Next[];
  readonly authorization: Authorization | undefined;
}

async function tell(parts: Parts, subscription: Subscription, { sink, items, authorization }: Batch): Promise<void> {
  const { id, topic, origin, caller, justification } = subscription;
  const facts = openFacts(parts, origin, { kind: "event", name: topic.name });
  const patterns = new Set(authorization?.verdicts.flatMap(({ obligations }) => [...obligations.redact]));
  const extra = patterns.size === 0 ? undefined : parts.compilePatterns([...patterns]);
  const masked: Record<string, number> = {};
  const at = new Date(parts.now()).toISOString();
  const notifications = items.map((item): Notification => {
    if (item.kind === "missed") {
      const { from, to, reason } = item;
      return { method: "events.missed", params: { subscription: id, from, to, reason } };
    }
    const { event, data } = item.happening;
    const scrubbed = parts.redactor.scrub(data, extra);
    for (const [kind, count] of Object.entries(scrubbed.masked)) masked[kind] = (masked[kind] ?? 0) + count;
    const summary = maskedSummary(scrubbed.masked);
    const told: EventTold = {
      ...{ subscription: id, seq: item.seq, topic: topic.name, event, at },
      data: scrubbed.value as EventTold["data"],
      auditId: facts.id,
      ...(summary !== undefined && { why: [summary] }),
    };
    return { method: "events.event", params: told };
  });
  Object.assign(facts, { caller, justification, masked, labels: topic.labels, policy: parts.policy().hash });
  const { question } = subscription;
  if (authorization && question) {
    facts.verdicts = authorization.verdicts;
    // What the line of work has seen may be over meanwhile: each delivery counts as reading.
    await confine(parts, facts, { question, authorization, arrival: origin });
  }
  facts.resources = items.flatMap((item) => (item.kind === "event" ? topic.resources(item.happening) : []));
  facts.args = { subscription: id, told: items.map(numbersOf) };
  const outcome = await recordOutcome(parts, facts, { ok: true, result: notifications, auditId: facts.id });
  if (!outcome.ok) throw new CallError("UNAVAILABLE", outcome.message, { details: outcome.details ?? {} });
  // It may have ended, or found another reader, while the record was written.
  if (subscription.sink !== sink) return;
  for (const notification of notifications) sink.send(notification);
}

const numbersOf = (item: Next): string => (item.kind === "event" ? `${item.seq}` : `${item.from}-${item.to} missed`);

/**
 * Tells the reader that nothing more comes, and why. `keep` leaves the subscription to be resumed by whoever comes back with the same rights.
 */
export function endWith(parts: Parts, subscription: Subscription, error: unknown, then: "keep" | "remove"): void {
  const { sink, id, topic, origin, caller } = subscription;
  if (then === "keep") parts.subscriptions.detach(subscription);
  else parts.subscriptions.remove(subscription);
  if (!sink) return;
  const facts = openFacts(parts, origin, { kind: "event", name: topic.name });
  Object.assign(facts, { caller, args: { subscription: id, ended: true } });
  void recordOutcome(parts, facts, fail(parts, facts, error)).then((outcome) => {
    if (outcome.ok || sink.gone.aborted) return;
    const { ok: _ok, turn: _turn, ...told } = outcome;
    sink.send({ method: "events.ended", params: { subscription: id, ...told } });
  });
}
