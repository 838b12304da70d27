import { CallError, type Resource } from "@portcullis/contracts";
import type { Permit } from "../adapters/adapter.ts";
import { toCallHash } from "../consent/call-hash.ts";
import type { Allow, Deny, Verdict } from "../policy/verdict.ts";
import type { Caller } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";
import type { ValidCall } from "./validate.ts";

export interface Authorization {
  readonly permit: Permit;
  readonly verdicts: readonly Allow[];
  /** What policy says of a resource, for the same caller, tool and purpose. */
  judge(resource: Resource): Verdict;
}

/** A no, with every resource that policy refuses: the first of them is told. */
export interface Denial {
  readonly permit?: undefined;
  readonly denied: readonly [Denied, ...Denied[]];
}

export interface Denied {
  readonly verdict: Deny;
  readonly resource: Resource;
}

export interface Question {
  readonly caller: Caller;
  readonly call: ValidCall;
  readonly resources: readonly Resource[];
  readonly purpose: Justification["purpose"];
}

/** Asks the policy about every resource that the call touches. Only here is a `Permit` made. */
export function authorize(parts: Parts, { caller, call, resources, purpose }: Question): Authorization | Denial {
  const policy = parts.policy();
  const { name, effect } = call.tool;
  if (caller.narrowing?.has(name) === false) throw toGrantRefusal(name, caller.narrowing.lacks(name));
  const { subject, grant: client } = caller;
  const who = {
    ...{ subject, client, tool: name, effect, purpose },
    // The hash costs as much as the arguments are long: it is made only where a grant of one call may need it.
    ...(parts.consent.grants.waits(subject, client) && { call: toCallHash(name, call.input) }),
  };
  const judge = (resource: Resource): Verdict => policy.decide({ ...who, resource, now: parts.now() });

  const verdicts: Allow[] = [];
  const denied: Denied[] = [];
  let maxBytes = parts.limits.maxBytes;
  for (const resource of resources) {
    const verdict = judge(resource);
    if (verdict.effect === "deny") {
      denied.push({ verdict, resource });
      continue;
    }
    maxBytes = Math.min(maxBytes, verdict.obligations.maxBytes ?? maxBytes);
    verdicts.push(verdict);
  }
  const [first, ...others] = denied;
  if (first) return { denied: [first, ...others] };
  const permit = {
    subject,
    tool: name,
    resources,
    maxBytes,
    hardlinks: verdicts.every(({ obligations }) => obligations.hardlinks),
    get view() {
      return policy.view({ ...who, now: parts.now() });
    },
    allows: (resource: Resource) => judge(resource).effect === "allow",
  } as unknown as Permit;
  return { permit, verdicts, judge };
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
