import type { FlowVerdict } from "./judge.ts";
import { any, type Seen } from "./state.ts";

type Block = Extract<FlowVerdict, { effect: "block" }>;

export interface Explanation {
  readonly message: string;
  readonly next: string;
  readonly waysOut: readonly string[];
}

/** A refusal in words: which labels, from which calls, met what, and what can be done instead. */
export function explain(verdict: Block, tool: string): Explanation {
  const met = tell(verdict.met);
  switch (verdict.rule) {
    case "R1":
      return toExplanation(
        `This line of work has seen private data (${met}), and ${tool} would send its arguments to ${verdict.sinks.join(", ")}, which is not cleared for that.`,
        [
          "Ask for what is public before you read what is private.",
          "Ask the owner to allow exactly this call, who is shown what leaves.",
          "The owner can clear this target for the compartment in a policy (labels.clearance), or fix the arguments (labels.fixed).",
          fresh,
        ],
      );
    case "R2":
      return toExplanation(
        `This line of work has read content that others can write (${met}), and ${tool} has an effect that is ${verdict.sinks.join(", ")}: what was read may be what wants it.`,
        ["Ask the owner to allow exactly this call.", "Do what has effects before you read what others wrote.", fresh],
      );
    case "R0":
      return toExplanation(
        `The client of this call has ways out of its own, so one line of work is never given both private data and content that others can write: ${met}.`,
        [
          "Tell the user: one of the two has to be read in another conversation, or after this line of work has ended.",
          "The owner can say in the configuration (flow.closed) that this client has no other way out, when that is so.",
          "The owner can label what is public (labels.public), or a source that only they write (labels.untrusted: false).",
        ],
      );
    case "ref":
      return toExplanation(
        `An argument of ${tool} is a reference that is not known in this line of work, or that has expired.`,
        ["Ask for it again, and use the new reference."],
      );
  }
}

const fresh = "A client that the owner trusts to keep contexts apart can begin a new flow (trace.flow: new).";

const toExplanation = (message: string, waysOut: readonly string[]): Explanation => ({
  message,
  next: waysOut[0] ?? "",
  waysOut,
});

const tell = (seen: readonly Seen[]): string =>
  seen
    .slice(0, 6)
    .map(({ label, tool, call }) => `${label === any ? "anything" : label}, by ${tool} in ${call}`)
    .concat(seen.length > 6 ? [`${seen.length - 6} more`] : [])
    .join("; ");
