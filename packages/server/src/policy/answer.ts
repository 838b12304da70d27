import type { ScopeRef, Verdict } from "./verdict.ts";

/** What a policy says to a call, in one word: `ask` is a refusal until the owner agrees. */
export type Answer = "allow" | "deny" | "ask";

export const answerOf = (verdict: Verdict): Answer =>
  verdict.effect === "deny" && verdict.reason === "consent" ? "ask" : verdict.effect;

/** The scopes that speak for a verdict. */
export const decidersOf = (verdict: Verdict): readonly ScopeRef[] =>
  verdict.effect === "allow" ? verdict.scopes : verdict.scope === null ? [] : [verdict.scope];
