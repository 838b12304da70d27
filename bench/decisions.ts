// Decisions a second under 10, 1,000 and 10,000 scopes, beside a floor: an evaluator that walks every rule of the same policies.
// Then how long 10,000 scopes take from the write of a file to the new policy, and what they hold up meanwhile.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { compilePolicy } from "../packages/server/src/policy/compile.ts";
import { parsePolicy } from "../packages/server/src/policy/parse.ts";
import type { Question } from "../packages/server/src/policy/verdict.ts";
import { createLivePolicy } from "../packages/server/src/policy-reload.ts";
import { createPolicyFolder } from "../packages/server/src/stores/files/policy-store.ts";
import { longestTurn } from "../test/support/longest-turn.ts";
import { reference } from "../test/support/naive-policy.ts";
import { toPolicies } from "./many-scopes.ts";
import { machine, median, table } from "./measure.ts";

/** Aims: µs a decision over 10,000 scopes; ms from a write to the new policy; ms that anything else waits. */
const aims = { decision: 20, reload: 1_000, stall: 50 };
const folder = "/srv/bench/notes";
const options = { home: "/home/me", served: [{ name: "notes", path: folder }], tools: ["fs.readFile", "search"] };

/** Of paths in the folder, in one of the projects, in a denied file of one, and nowhere. */
const toQuestions = (scopes: number): readonly Question[] =>
  Array.from({ length: 1_000 }, (_, n): Question => {
    const project = `/srv/projects/p${(n * 7_919) % scopes}`;
    const path = [`${folder}/${n}.md`, `${project}/src/${n}.ts`, `${project}/.env`, `/etc/${n}`][n % 4] ?? "/";
    return {
      subject: "bench",
      tool: "fs.readFile",
      effect: "read",
      resource: { kind: "path", path },
      purpose: { text: "measure", stated: true },
      now: 1_000,
    };
  });

/** µs that one answer takes, over at least `forMs`. */
function time(questions: readonly Question[], decide: (question: Question) => unknown, forMs: number): number {
  const rounds: number[] = [];
  for (const end = performance.now() + forMs; performance.now() < end || rounds.length < 3; ) {
    const from = performance.now();
    for (const question of questions) decide(question);
    rounds.push(((performance.now() - from) * 1_000) / questions.length);
  }
  return median(rounds);
}

console.log(machine());
const rows: string[][] = [["scopes", "µs a decision", "decisions a second", "walking every rule, µs", "times faster"]];
let slowest = 0;
for (const scopes of [10, 1_000, 10_000]) {
  const sources = toPolicies("bench", folder, scopes);
  const { policy, faults } = compilePolicy(sources, options);
  if (!policy) throw new Error(JSON.stringify(faults[0]));
  const questions = toQuestions(scopes);
  const documents = sources.flatMap((source) => parsePolicy(source).documents.map(({ value }) => value));
  const set = { groups: { staff: [], pets: [] }, documents };
  const naive = (question: Question) => reference(set, question).effect;
  for (const question of questions.slice(0, 40)) {
    const [one, other] = [policy.decide(question).effect, naive(question)];
    if (one !== other) throw new Error(`They disagree on ${JSON.stringify(question)}: ${one}, ${other}`);
  }
  const [own, floor] = [time(questions, policy.decide, 500), time(questions.slice(0, 20), naive, 500)];
  slowest = Math.max(slowest, own);
  rows.push([
    String(scopes),
    own.toFixed(2),
    Math.round(1e6 / own).toLocaleString("en"),
    floor.toFixed(1),
    (floor / own).toFixed(1),
  ]);
}
console.log(table(rows));
console.log(`Slowest: ${slowest.toFixed(2)} µs. Aim: under ${aims.decision} µs.\n`);

const base = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
const write = (note: string, files: number): void => {
  for (const { path, text } of toPolicies("bench", folder, 10_000).slice(0, files))
    writeFileSync(join(base, path), `description: ${note}\n${text}`);
};
write("first", Number.POSITIVE_INFINITY);
const live = await createLivePolicy({
  store: createPolicyFolder(base),
  compile: () => options,
  log: { info: () => {}, error: (facts) => console.error(facts) },
});
if (live.current().scopes !== 10_000) throw new Error(JSON.stringify(live.faults()[0]));
async function reload(note: string, files: number): Promise<number> {
  const before = live.current();
  write(note, files);
  const written = performance.now();
  while (live.current() === before && performance.now() - written < 20_000) await setTimeout(2);
  return performance.now() - written;
}
const reloads: string[][] = [
  ["10,000 scopes in 10 files", "ms to the new policy", "processor ms between two turns of the event loop, at most"],
];
let late = false;
for (const [what, files] of [
  ["one file is edited", 1],
  ["all are rewritten", 10],
] as const) {
  const runs: number[] = [];
  for (let run = 0; run < 5; run++) runs.push(await reload(`${what} ${run}`, files));
  const took = median(runs);
  // Apart from the times: it asks the clock at every turn, which takes its own share of the processor.
  const stall = await longestTurn(async () => void (await reload(`${what} at last`, files)));
  if (files === 1) late = took > aims.reload || stall > aims.stall;
  reloads.push([what, took.toFixed(0), stall.toFixed(0)]);
}
console.log(table(reloads));
console.log(`Aim for an edit: within ${aims.reload} ms, holding up nothing for ${aims.stall} ms.`);
await live.stop();
rmSync(base, { recursive: true, force: true });
if (slowest > aims.decision || late) process.exitCode = 1;
