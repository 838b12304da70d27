import { CallError, type Resource, toUri } from "@portcullis/contracts";
import type { Permit } from "../adapters/adapter.ts";
import type { Verdict } from "../policy/verdict.ts";
import type { Caller } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";
import type { ValidCall } from "./validate.ts";

type Allow = Extract<Verdict, { effect: "allow" }>;
type Deny = Extract<Verdict, { effect: "deny" }>;

export interface Authorization {
  readonly permit: Permit;
  readonly verdicts: readonly Allow[];
}

export interface Question {
  readonly caller: Caller;
  readonly call: ValidCall;
  readonly resources: readonly Resource[];
  readonly purpose: Justification["purpose"];
}

/** Asks the policy about every resource that the call touches. Only here is a `Permit` made. */
export function authorize(parts: Parts, { caller, call, resources, purpose }: Question): Authorization {
  const policy = parts.policy();
  const { name, effect } = call.tool;
  const judge = (resource: Resource): Verdict =>
    policy.decide({ subject: caller.subject, tool: name, effect, resource, purpose, now: parts.now() });

  const verdicts: Allow[] = [];
  let maxBytes = parts.limits.maxBytes;
  for (const resource of resources) {
    const verdict = judge(resource);
    if (verdict.effect === "deny") throw toRefusal(verdict, resource);
    maxBytes = Math.min(maxBytes, verdict.obligations.maxBytes ?? maxBytes);
    verdicts.push(verdict);
  }
  const permit = {
    subject: caller.subject,
    tool: name,
    resources,
    maxBytes,
    allows: (resource: Resource) => judge(resource).effect === "allow",
  } as unknown as Permit;
  return { permit, verdicts };
}

function toRefusal(verdict: Deny, resource: Resource): CallError {
  const code = verdict.reason === "consent" ? "CONSENT_REQUIRED" : "PERMISSION_DENIED";
  return new CallError(code, verdict.message, {
    details: {
      scope: verdict.scope,
      reason: verdict.reason,
      resource: toUri(resource),
      smallestScope: verdict.proposal,
      next: verdict.proposal
        ? "Tell the user what you wanted and why. The owner can allow exactly this by adding the smallest scope to a policy file."
        : "No change by you will open this. Tell the user what you wanted and why.",
    },
  });
}
