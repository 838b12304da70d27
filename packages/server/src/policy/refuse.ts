import { toUri } from "@portcullis/contracts";
import { propose } from "./propose.ts";
import type { CompiledScope } from "./scope.ts";
import type { Deny, Proposal, Question, Reason } from "./verdict.ts";

/**
 * A refusal in words for the caller, who learns of their own resource and of no other. The words are made when they are asked for, since a
 * filter refuses thousands of items without a word.
 */
export function refuse(question: Question, reason: Reason, scope: CompiledScope | null): Deny {
  let proposal: Proposal | null | undefined;
  return {
    effect: "deny",
    reason,
    scope: scope?.ref ?? null,
    get message() {
      return messages[reason](question, scope);
    },
    get next() {
      return nexts[reason] ?? (this.proposal ? addScope : giveUp);
    },
    get proposal() {
      proposal ??= helped.has(reason) ? propose(question, reason) : null;
      return proposal;
    },
  };
}

/** The reasons that one more scope would remove. */
export const helped: ReadonlySet<Reason> = new Set<Reason>([
  "unknown_subject",
  "no_scope",
  "no_allow",
  "purpose_not_served",
  "expired",
  "write_not_named",
  "method_not_named",
]);

const addScope =
  "Tell the user what you wanted and why. The owner can allow exactly this by putting the proposed lines at the end of a policy file.";
const giveUp = "No change by you will open this. Tell the user what you wanted and why.";

const nexts: Partial<Record<Reason, string>> = {
  denied: giveUp,
  purpose_required: "State in the call itself, in a few words, why you make it, and call again.",
  consent: "The owner has to allow this call first. Tell the user what you wanted and why.",
  error: "Check the call's arguments: what they name has no canonical form.",
};

const messages: Readonly<Record<Reason, (question: Question, scope: CompiledScope | null) => string>> = {
  unknown_subject: ({ subject }) => `No policy names ${subject}.`,
  no_scope: ({ subject, tool }) => `No scope lets ${subject} use ${tool}.`,
  no_allow: (question) => `No scope lets ${question.subject} use ${question.tool} on ${where(question)}.`,
  denied: (question) => `The policy denies ${question.tool} on ${where(question)}.`,
  purpose_required: ({ tool, purpose }, scope) =>
    scope?.needs === "stated" && purpose.text && !purpose.stated
      ? `${tool} needs a purpose that is stated in the call itself; the client's default does not count.`
      : `${tool} needs a purpose: say why the call is made.`,
  purpose_not_served: (question) =>
    `No scope that lets ${question.subject} use ${question.tool} on ${where(question)} serves this purpose.`,
  expired: (question) => `What let ${question.subject} use ${question.tool} on ${where(question)} has expired.`,
  write_not_named: ({ subject, tool }) =>
    `This call changes or sends something, so a scope of ${subject} has to name ${tool} itself; a wildcard does not do.`,
  method_not_named: ({ subject, tool, resource }) =>
    `No scope of ${subject} names the method ${resource.kind === "url" ? resource.method : ""} for ${tool} there.`,
  consent: (question) => `The owner is asked before ${question.tool} may touch ${where(question)}.`,
  error: ({ tool }) => `What this call of ${tool} touches cannot be judged, so it is refused.`,
};

function where({ resource }: Question): string {
  const uri = toUri(resource);
  return uri.length > 300 ? `${uri.slice(0, 300)}…` : uri;
}
