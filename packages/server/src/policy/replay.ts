import { type Resource, toUri } from "@portcullis/contracts";
import { type Answer, answerOf, decidersOf } from "./answer.ts";
import type { Policy } from "./compile.ts";
import type { Tally } from "./tally.ts";
import type { Purpose, Question, Verdict } from "./verdict.ts";

/** A call as an audit holds it: what was asked, and what the policy of that time said. */
export interface RecordedCall {
  readonly id: string;
  readonly subject: string;
  readonly tool: string;
  readonly effect: "read" | "write" | "send";
  readonly resources: readonly Resource[];
  readonly purpose: Purpose;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly answer: Answer;
}

export const toQuestion = (
  { subject, tool, effect, purpose }: RecordedCall,
  resource: Resource,
  now: number,
): Question => ({
  subject,
  tool,
  effect,
  resource,
  purpose,
  now,
});

/**
 * Judges a recorded call by a policy, as of the time at which it was made, and adds it to the tally when the answer is another one. A call passes when
 * each of its resources does; the first that does not is told.
 */
export function replay(policy: Policy, call: RecordedCall, tally: Tally): Answer {
  let decisive: { readonly resource: Resource; readonly verdict: Verdict } | undefined;
  for (const resource of call.resources) {
    const verdict = policy.decide(toQuestion(call, resource, call.at));
    decisive ??= { resource, verdict };
    if (verdict.effect === "allow") continue;
    decisive = { resource, verdict };
    break;
  }
  if (decisive === undefined) return call.answer;
  const { resource, verdict } = decisive;
  const { subject, tool, answer } = call;
  const to = answerOf(verdict);
  tally.add({ subject, tool, resource: toUri(resource), from: answer, to, scopes: decidersOf(verdict), asked: 1 });
  return to;
}
