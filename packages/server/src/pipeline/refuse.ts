import { CallError, toUri } from "@portcullis/contracts";
import type { DeniedCall, ToldOfConsent } from "../consent/ask.ts";
import { toCallHash } from "../consent/call-hash.ts";
import type { Denial, Question } from "./authorize.ts";
import type { Facts } from "./facts.ts";
import type { Parts } from "./parts.ts";

/** Refuses a call that policy denies. Where an answer of the owner's would help, the call becomes a request to them, which the refusal names. */
export async function refuse(parts: Parts, facts: Facts, question: Question, denial: Denial): Promise<never> {
  const [{ verdict, resource }] = denial.denied;
  const { tool, input } = question.call;
  const hard = denial.denied.some(({ verdict: { reason } }) => reason === "denied" || reason === "error");
  const consent = hard
    ? undefined
    : await askOwner(parts, facts, {
        question,
        call: toCallHash(tool.name, input),
        denied: denial.denied.map((one) => ({ resource: one.resource, reason: one.verdict.reason })),
      });
  const { reason, scope, message, next, proposal } = verdict;
  throw new CallError(reason === "consent" ? "CONSENT_REQUIRED" : "PERMISSION_DENIED", message, {
    details: {
      ...{ scope, reason, resource: toUri(resource), smallestScope: proposal, next: consent?.next ?? next },
      ...(consent && { consent }),
    },
  });
}

/** Makes a call a request to the owner, which its record names. */
export async function askOwner(
  parts: Parts,
  facts: Facts,
  { question, ...about }: { readonly question: Question } & Pick<DeniedCall, "call" | "denied" | "flow">,
): Promise<ToldOfConsent | undefined> {
  const { caller, call, purpose } = question;
  const { tool, input } = call;
  const consent = await parts.consent.ask({
    subject: caller.subject,
    client: caller.grant,
    clientName: facts.origin.client?.name.slice(0, 200) ?? null,
    agent: facts.justification?.trace.agent ?? null,
    tool: tool.name,
    effect: tool.effect,
    egress: tool.labels.egress === true,
    args: input,
    ...about,
    purpose: purpose.text ?? null,
    door: facts.origin.door,
    auditId: facts.id,
    now: facts.at,
  });
  if (consent?.id !== undefined) facts.consent = consent.id;
  return consent;
}
