import { any, type FlowState, join, type Reads, type Seen } from "./state.ts";

/** A way out: where a call's arguments go. */
export interface Sink {
  readonly to: string;
  /** The compartments that may leave by it; `*` stands for all. */
  readonly clearance: readonly string[];
  /** True when every byte of the arguments comes from the owner. */
  readonly fixed?: boolean;
}

export type Consequence = "none" | "local" | "external" | "destructive";

/** What one call gives the model, where its arguments go, and what it does. */
export interface Effects {
  readonly reads: Reads;
  readonly sinks: readonly Sink[];
  readonly consequence: Consequence;
}

/** What a tool or a resource counts as of which nothing was declared. */
export const undeclared = (name: string): Effects => ({
  reads: { private: [], untrusted: [name] },
  sinks: [{ to: name, clearance: [] }],
  consequence: "destructive",
});

export interface Step {
  readonly tool: string;
  /** The call's audit id. */
  readonly call: string;
  readonly effects: Effects;
  /** `open`: the client has ways out of its own, of which nothing is seen here. */
  readonly client: "open" | "closed";
  /** What the owner has allowed exactly this call in spite of, having been shown what leaves. */
  readonly consented?: readonly Rule[];
  /** The labels of the references among its arguments; undefined for one that is not known. */
  readonly refs?: readonly (Reads | undefined)[];
  /** True when the answer is kept here, and the model gets a reference in its place. */
  readonly held?: boolean;
}

export type Rule = "R0" | "R1" | "R2" | "ref";

export type FlowVerdict =
  | { readonly effect: "allow" }
  | {
      readonly effect: "block";
      readonly rule: Rule;
      /** The labels that met the way out, each with the call that brought it. */
      readonly met: readonly Seen[];
      /** The other side: the sinks, the effect, or the labels that would have joined them. */
      readonly sinks: readonly string[];
      /** Whether the owner's consent to exactly this call would let it pass. */
      readonly askable: boolean;
    };

const allow: FlowVerdict = { effect: "allow" };

/**
 * Whether a flow may take a step, by its labels alone. R1: a way out is open only to flows whose compartments it is cleared for. R2: after
 * untrusted content, an external or destructive effect needs consent. R0: a client with ways out of its own is never given both private and
 * untrusted content. More seen never allows more.
 */
export function judge(state: FlowState, step: Step): FlowVerdict {
  const { tool, call, effects, refs = [] } = step;
  if (refs.some((ref) => ref === undefined))
    return { effect: "block", rule: "ref", met: [], sinks: [], askable: false };
  const by = { tool, call };
  const carried = refs.reduce<FlowState>((sum, ref) => (ref ? join(sum, ref, by) : sum), {
    private: [],
    untrusted: [],
  });
  const consented = step.consented ?? [];
  const out =
    (consented.includes("R1") ? undefined : judgeSinks(state, carried, effects.sinks)) ??
    (consented.includes("R2") ? undefined : judgeEffect(state, carried, effects.consequence));
  if (out) return out;
  return step.held === true ? allow : judgeReads(state, step);
}

/** R0 alone: what an answer that shows these labels would add. */
export function judgeReads(state: FlowState, { tool, call, effects, client }: Step): FlowVerdict {
  const news = [...effects.reads.private, ...effects.reads.untrusted];
  if (client === "closed" || news.length === 0) return allow;
  const after = join(state, effects.reads, { tool, call });
  if (after.private.length === 0 || after.untrusted.length === 0) return allow;
  return { effect: "block", rule: "R0", met: [...after.private, ...after.untrusted], sinks: news, askable: false };
}

function judgeSinks(state: FlowState, carried: FlowState, sinks: readonly Sink[]): FlowVerdict | undefined {
  for (const { to, clearance, fixed } of sinks) {
    if (clearance.includes(any)) continue;
    const seen = fixed === true ? carried.private : [...state.private, ...carried.private];
    const met = seen.filter(({ label }) => label === any || !clearance.includes(label));
    if (met.length > 0) return { effect: "block", rule: "R1", met, sinks: [to], askable: true };
  }
  return undefined;
}

function judgeEffect(state: FlowState, carried: FlowState, consequence: Consequence): FlowVerdict | undefined {
  if (consequence !== "external" && consequence !== "destructive") return undefined;
  const met = [...state.untrusted, ...carried.untrusted];
  return met.length === 0 ? undefined : { effect: "block", rule: "R2", met, sinks: [consequence], askable: true };
}
