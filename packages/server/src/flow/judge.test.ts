import fc from "fast-check";
import { expect, test } from "vitest";
import { explain } from "./explain.ts";
import { type Consequence, type Effects, judge, type Step, undeclared } from "./judge.ts";
import { empty, type FlowState, full, join, labelsOf, type Reads, readReads, readState, writeState } from "./state.ts";

const labels = fc.uniqueArray(fc.constantFrom("crm", "hr", "notes", "mail"), { maxLength: 3 });
const origins = fc.uniqueArray(fc.constantFrom("web:a.test", "web:b.test", "mail"), { maxLength: 2 });
const reads: fc.Arbitrary<Reads> = fc.record({ private: labels, untrusted: origins });
const clearance = fc.oneof(labels, fc.constant(["*"]));
const sink = fc.record({ to: fc.constant("a.test"), clearance, fixed: fc.boolean() });
const effects: fc.Arbitrary<Effects> = fc.record({
  reads,
  sinks: fc.array(sink, { maxLength: 2 }),
  consequence: fc.constantFrom<Consequence>("none", "local", "external", "destructive"),
});
const step: fc.Arbitrary<Step> = fc.record({
  tool: fc.constant("a.tool"),
  call: fc.constant("1"),
  effects,
  client: fc.constantFrom("open" as const, "closed" as const),
  refs: fc.array(fc.option(reads, { nil: undefined }), { maxLength: 2 }),
  held: fc.boolean(),
  consented: fc.subarray(["R1", "R2"] as const),
});
const state = (seen: Reads): FlowState => join(empty, seen, { tool: "seen", call: "0" });

/** The rules as sets, in the words of their definition. */
function reference(seen: Reads, { effects: e, client, refs = [], held, consented = [] }: Step): boolean {
  if (refs.includes(undefined)) return false;
  const refC = refs.flatMap((ref) => ref?.private ?? []);
  const refU = refs.flatMap((ref) => ref?.untrusted ?? []);
  for (const { clearance: cleared, fixed } of consented.includes("R1") ? [] : e.sinks) {
    const leaves = fixed ? refC : [...seen.private, ...refC];
    if (!cleared.includes("*") && leaves.some((label) => !cleared.includes(label))) return false;
  }
  const acts = e.consequence === "external" || e.consequence === "destructive";
  if (acts && !consented.includes("R2") && seen.untrusted.length + refU.length > 0) return false;
  if (held || client === "closed" || e.reads.private.length + e.reads.untrusted.length === 0) return true;
  return !(seen.private.length + e.reads.private.length > 0 && seen.untrusted.length + e.reads.untrusted.length > 0);
}

test("the engine says what the definition of its rules says", () => {
  fc.assert(
    fc.property(reads, step, (seen, taken) => {
      expect(judge(state(seen), taken).effect === "allow").toBe(reference(seen, taken));
    }),
    { numRuns: 20_000 },
  );
});

test("a flow that has seen more is never allowed more", () => {
  fc.assert(
    fc.property(reads, reads, step, (seen, more, taken) => {
      const before = state(seen);
      const after = join(before, more, { tool: "seen", call: "2" });
      if (judge(after, taken).effect === "allow") expect(judge(before, taken).effect).toBe("allow");
      if (judge(full(taken), taken).effect === "allow") expect(judge(after, taken).effect).toBe("allow");
    }),
    { numRuns: 20_000 },
  );
});

test("a step that reads, leaks or does less is never stopped where one that does more is not", () => {
  fc.assert(
    fc.property(reads, step, (seen, taken) => {
      const less = {
        ...taken,
        effects: { reads: { private: [], untrusted: [] }, sinks: [], consequence: "none" },
      } as Step;
      if (judge(state(seen), taken).effect === "allow") expect(judge(state(seen), less).effect).toBe("allow");
    }),
  );
});

test("what is not declared is untrusted, a way out for nothing private, and destructive", () => {
  const of = (client: Step["client"]): Step => ({ tool: "x.y", call: "1", effects: undeclared("x.y"), client });
  const crm = state({ private: ["crm"], untrusted: [] });
  const web = state({ private: [], untrusted: ["web:a.test"] });
  expect(judge(empty, of("open"))).toEqual({ effect: "allow" });
  expect(judge(crm, of("closed"))).toMatchObject({ effect: "block", rule: "R1", sinks: ["x.y"] });
  expect(judge(web, of("closed"))).toMatchObject({ effect: "block", rule: "R2", sinks: ["destructive"] });
  expect(labelsOf(join(empty, of("open").effects.reads, of("open")))).toEqual({ private: [], untrusted: ["x.y"] });
});

test("a refusal names each label with the call that brought it, what it met, and ways out", () => {
  const seen = join(empty, { private: ["crm"], untrusted: [] }, { tool: "crm.query", call: "CALL-1" });
  const effects: Effects = {
    reads: { private: [], untrusted: [] },
    sinks: [{ to: "evil.test", clearance: [] }],
    consequence: "none",
  };
  const verdict = judge(seen, { tool: "http.fetch", call: "CALL-2", effects, client: "closed" });
  if (verdict.effect !== "block") throw new Error("It was allowed.");
  const { message, waysOut } = explain(verdict, "http.fetch");
  expect(message).toContain("crm, by crm.query in CALL-1");
  expect(message).toContain("evil.test");
  expect(waysOut.length).toBeGreaterThan(2);
});

test("a state survives being written; what cannot be read is told, and labels that cannot be read are all labels", () => {
  fc.assert(
    fc.property(reads, (seen) => {
      expect(readState(writeState(state(seen)))).toEqual(state(seen));
    }),
  );
  for (const text of ["", "garbage", "null", "{}", '{"private":[1],"untrusted":[]}', '{"private":[]}'])
    expect(readState(text)).toBeUndefined();
  expect(readReads("{")).toEqual({ private: ["*"], untrusted: ["*"] });
});

test("labels beyond the most that are told apart count as all of them", () => {
  const many = Array.from({ length: 65 }, (_, n) => `c${n}`);
  const seen = state({ private: many, untrusted: [] });
  const sinks = [{ to: "a.test", clearance: many }];
  const taken: Step = {
    ...{ tool: "a.tool", call: "1", client: "closed" },
    effects: { reads: { private: [], untrusted: [] }, sinks, consequence: "none" },
  };
  expect(judge(seen, taken).effect).toBe("block");
});
