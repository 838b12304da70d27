// Information flow against a corpus of tool-call chains (infoflow.jsonl.gz of PORTCULLIS_CORPORA, or of ../shared/data/security): each step is judged by the engine
// as the corridor does it, with what is written carrying its labels into other flows, references, and the owner's consent to exact calls.
import { existsSync, readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { gunzipSync } from "node:zlib";
import { toCallHash } from "../../packages/server/src/consent/call-hash.ts";
import { type Consequence, judge, type Rule, undeclared } from "../../packages/server/src/flow/judge.ts";
import { empty, type FlowState, join, labelsOf, type Reads, union } from "../../packages/server/src/flow/state.ts";
import { machine } from "../measure.ts";

interface Sink {
  readonly clearance: "*" | readonly string[];
  readonly fixedArgs?: boolean;
}

interface Action {
  readonly tool?: string;
  readonly newFlow?: boolean;
  readonly consent?: { readonly tool: string; readonly args?: unknown; readonly sink?: Sink };
  readonly read?: { readonly c?: readonly string[]; readonly u?: readonly string[] };
  readonly sink?: Sink;
  readonly consequence?: Consequence;
  readonly undeclared?: boolean;
  readonly args?: unknown;
  readonly store?: string;
  readonly readObject?: string;
  readonly byRef?: boolean;
  readonly refs?: readonly string[];
  readonly expect?: "allow" | "deny";
}

interface Scenario {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly client: { readonly egress: "open" | "closed" };
  readonly steps: readonly Action[];
  readonly expect: "allow" | "deny";
}

const none: Reads = { private: [], untrusted: [] };
const unknown: Reads = { private: ["*"], untrusted: ["*"] };
const clearanceOf = ({ clearance }: Sink): readonly string[] => (clearance === "*" ? ["*"] : clearance);
const toExact = ({ tool, args, sink }: NonNullable<Action["consent"]>): string =>
  toCallHash(tool, { args: args ?? null, sink: sink ?? null });

/** What each step of a scenario came to. */
function play({ client, steps }: Scenario): readonly ("allow" | "deny" | undefined)[] {
  let state: FlowState = empty;
  const objects = new Map<string, Reads>();
  const references = new Map<string, Reads>();
  const consents = new Set<string>();
  return steps.map((action, index) => {
    if (action.newFlow) {
      // A client with ways out of its own gets no other flow.
      if (client.egress === "closed") state = empty;
      return undefined;
    }
    if (action.consent) {
      consents.add(toExact(action.consent));
      return undefined;
    }
    const tool = action.tool ?? "";
    const of = action.readObject === undefined ? none : (objects.get(action.readObject) ?? unknown);
    const reads = union({ private: action.read?.c ?? [], untrusted: action.read?.u ?? [] }, of);
    const exact = toExact({ tool, args: action.args, ...(action.sink && { sink: action.sink }) });
    const consented: readonly Rule[] = consents.delete(exact) ? ["R1", "R2"] : [];
    const effects = action.undeclared
      ? undeclared(tool)
      : {
          reads,
          sinks: action.sink
            ? [{ to: tool, clearance: clearanceOf(action.sink), fixed: action.sink.fixedArgs === true }]
            : [],
          consequence: action.consequence ?? ("none" as const),
        };
    const step = {
      ...{ tool, call: String(index), effects, consented },
      client: client.egress,
      refs: (action.refs ?? []).map((name) => references.get(name)),
      held: action.byRef === true,
    };
    const verdict = judge(state, step);
    if (verdict.effect === "block") return "deny";
    if (action.byRef === true && action.store !== undefined) references.set(action.store, reads);
    else {
      state = join(state, effects.reads, step);
      if (action.store !== undefined) {
        const carried = step.refs.reduce<Reads>((sum, ref) => union(sum, ref ?? unknown), labelsOf(state));
        objects.set(action.store, union(objects.get(action.store) ?? none, carried));
      }
    }
    return "allow";
  });
}

const folder =
  process.env.PORTCULLIS_CORPORA ?? joinPath(import.meta.dirname, "..", "..", "..", "shared", "data", "security");
const file = joinPath(folder, "infoflow.jsonl.gz");
console.log(machine());
if (!existsSync(file)) {
  console.log(`SKIPPED: there is no ${file}; PORTCULLIS_CORPORA names the folder of the corpora.`);
} else {
  const scenarios = gunzipSync(readFileSync(file))
    .toString("utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Scenario);
  const figures = new Map<string, { all: number; right: number }>();
  let wrongSteps = 0;
  let took = 0;
  for (const scenario of scenarios) {
    const before = process.hrtime.bigint();
    const came = play(scenario);
    took += Number(process.hrtime.bigint() - before);
    const stopped = came.includes("deny") ? "deny" : "allow";
    const wrong = scenario.steps.flatMap(({ expect }, at) => (expect !== undefined && expect !== came[at] ? [at] : []));
    wrongSteps += wrong.length;
    const figure = figures.get(scenario.label) ?? { all: 0, right: 0 };
    figures.set(scenario.label, figure);
    figure.all += 1;
    if (stopped === scenario.expect && wrong.length === 0) figure.right += 1;
    else console.log(`  wrong: ${scenario.id} ${scenario.name}: ${came.join(" ")} at ${wrong.join(", ")}`);
  }
  const steps = scenarios.reduce((sum, { steps: own }) => sum + own.length, 0);
  const told = { attack: "attacks stopped", legit: "legitimate unhindered", ask: "asked of the owner" } as const;
  const peers: Readonly<Record<string, string>> = {
    attack: "static toxic-flow refusal 1,384 of 1,506",
    legit: "static toxic-flow refusal 57 of 96",
    ask: "aim: all",
  };
  for (const [label, { all, right }] of figures)
    console.log(
      `${told[label as keyof typeof told] ?? label}: ${right}/${all} (${peers[label] ?? "a residual risk that is documented"}; aim ${all}/${all})`,
    );
  console.log(
    `steps judged otherwise than expected: ${wrongSteps} of ${steps}; ${(took / steps / 1_000).toFixed(1)} µs a step`,
  );
  const failed = [...figures.values()].some(({ all, right }) => right < all);
  if (failed) console.log("FAILED: not every scenario came out as it should.");
  process.exitCode = failed ? 1 : 0;
}
