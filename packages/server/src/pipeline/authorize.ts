import { CallError, type Resource, toUri } from "@portcullis/contracts";
import type { Permit } from "../adapters/adapter.ts";
import type { Allow, Deny, Verdict } from "../policy/verdict.ts";
import type { Caller } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";
import type { ValidCall } from "./validate.ts";

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
    hardlinks: verdicts.every(({ obligations }) => obligations.hardlinks),
    get view() {
      return policy.view({ subject: caller.subject, tool: name, effect, purpose, now: parts.now() });
    },
    allows: (resource: Resource) => judge(resource).effect === "allow",
  } as unknown as Permit;
  return { permit, verdicts };
}

function toRefusal({ reason, scope, message, next, proposal }: Deny, resource: Resource): CallError {
  return new CallError(reason === "consent" ? "CONSENT_REQUIRED" : "PERMISSION_DENIED", message, {
    details: { scope, reason, resource: toUri(resource), smallestScope: proposal, next },
  });
}
