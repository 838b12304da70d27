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
  if (caller.narrowing?.has(name) === false) throw toGrantRefusal(name, caller.narrowing.lacks(name));
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

/** What the owner did not grant to a client is closed to it, whatever policy allows its subject. */
const toGrantRefusal = (tool: string, scope: string | undefined): CallError =>
  new CallError("PERMISSION_DENIED", `The owner has not opened ${tool} to this client.`, {
    details: {
      scope: null,
      reason: "grant",
      smallestScope: null,
      next: scope
        ? `The client has to log in again and ask for the scope ${JSON.stringify(scope)}.`
        : "Log in again, and let the owner choose this tool on the consent page.",
    },
  });

function toRefusal({ reason, scope, message, next, proposal }: Deny, resource: Resource): CallError {
  return new CallError(reason === "consent" ? "CONSENT_REQUIRED" : "PERMISSION_DENIED", message, {
    details: { scope, reason, resource: toUri(resource), smallestScope: proposal, next },
  });
}
