import { CallError } from "@portcullis/contracts";
import { toCallHash } from "../consent/call-hash.ts";
import { explain } from "../flow/explain.ts";
import type { FlowVerdict, Rule, Step } from "../flow/judge.ts";
import { labelsOf } from "../flow/state.ts";
import type { Question } from "./authorize.ts";
import type { Facts } from "./facts.ts";
import type { Line, Passed } from "./flows.ts";
import type { Parts } from "./parts.ts";
import { askOwner } from "./refuse.ts";

type Block = Extract<FlowVerdict, { effect: "block" }>;

interface At {
  readonly line: Line;
  readonly question: Question;
  readonly facts: Facts;
}

/** Names what the owner would allow: this call, with exactly these arguments, although exactly these labels meet exactly this way out. */
const hashOf = ({ call }: Question, { rule, met, sinks }: Block): string =>
  toCallHash(`flow:${rule}:${call.tool.name}`, {
    args: call.input,
    met: met.map(({ label }) => label).sort(),
    sinks,
  });

/**
 * The step with what the owner has allowed this one call in spite of. Their grants are used up here, all or none, and so before the call runs: of two
 * that are alike one goes on.
 */
export async function consented(parts: Parts, { line, question, facts }: At, step: Step): Promise<Step> {
  const { grants, use } = parts.consent;
  const { subject, grant: client } = question.caller;
  if (!grants.waits(subject, client)) return step;
  const found: { readonly rule: Rule; readonly id: string }[] = [];
  for (;;) {
    const { verdict } = await parts.flows.look(line, { ...step, consented: found.map(({ rule }) => rule) }, facts.at);
    if (verdict.effect === "allow") break;
    const who = { subject, client, tool: question.call.tool.name };
    const grant = verdict.askable ? grants.findCall(who, hashOf(question, verdict)) : undefined;
    if (!grant) return step;
    found.push({ rule: verdict.rule, id: grant.id });
  }
  if (found.length === 0) return step;
  for (const { id } of found) if (!(await use(id))) return step;
  facts.consent = found.map(({ id }) => id).join(" ");
  return { ...step, consented: found.map(({ rule }) => rule) };
}

/** Notes for the record and for the caller what the line of work has seen, and what came of the step. */
export function note({ line, facts }: At, { verdict, before, after }: Passed, step: Step): void {
  const sinks = step.effects.sinks.map(({ to }) => to);
  const { consequence } = step.effects;
  const passed = step.consented?.length ? "consented" : "allow";
  facts.flow = {
    id: line.id,
    client: step.client,
    before: labelsOf(before),
    after: labelsOf(after),
    verdict: verdict.effect === "allow" ? passed : verdict.rule,
    ...((sinks.length > 0 || consequence !== "none") && { sinks: [...sinks, consequence] }),
  };
  const seen = labelsOf(after);
  if (seen.private.length + seen.untrusted.length > 0 || line.id !== line.sticky)
    facts.toldFlow = { handle: line.id, private: [...seen.private], untrusted: [...seen.untrusted] };
}

/** The refusal of a call, which is a request to the owner where their consent would help. */
export async function refusal(parts: Parts, { line, question, facts }: At, verdict: Block): Promise<CallError> {
  const { tool } = question.call;
  const { message, next, waysOut } = explain(verdict, tool.name);
  const { rule, met, sinks, askable } = verdict;
  const consent = askable
    ? await askOwner(parts, facts, {
        question,
        call: hashOf(question, verdict),
        denied: question.resources.map((resource) => ({ resource, reason: "consent" })),
        flow: message,
      })
    : undefined;
  return new CallError("FLOW_BLOCKED", message, {
    details: {
      ...{ rule, flow: line.id, sinks, waysOut },
      met: met.slice(0, mostTold).map(({ label, tool: by, call }) => ({ label, tool: by, auditId: call })),
      next: consent?.next ?? next,
      ...(consent && { consent }),
    },
  });
}

const mostTold = 20;
