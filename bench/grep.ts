// fs.grep through the corridor beside ripgrep on the same notes: the same lines, and how long each takes.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rgPath } from "@vscode/ripgrep";
import { machine, median, table } from "./measure.ts";
import { startGuardedServer } from "./security/guarded-server.ts";

const folders = 200;
const filesEach = 25;
const rounds = 7;
const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-grep-")));
const root = join(base, "notes");

let state = 1;
const next = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state % below;
};
const words = "the plan of a river and its birds where nobody asked for water on monday".split(" ");
for (let folder = 0; folder < folders; folder++) {
  mkdirSync(join(root, `f${folder}`), { recursive: true });
  for (let file = 0; file < filesEach; file++) {
    const lines = Array.from({ length: 60 }, () =>
      Array.from({ length: 12 }, () => words[next(words.length)]).join(" "),
    );
    if (next(50) === 0) lines[next(60)] = `a heron stood at ${next(10_000)} paces`;
    writeFileSync(join(root, `f${folder}`, `${file}.md`), `${lines.join("\n")}\n`);
  }
}

const server = await startGuardedServer(base, root);
// Processor time of this thread between two beats: other programs on the machine do not count, ripgrep's runs neither.
const busy = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
let longest = 0;
let last = busy();
const beat = setInterval(() => {
  longest = Math.max(longest, busy() - last);
  last = busy();
}, 1);

async function ours(pattern: string): Promise<readonly string[]> {
  const answer = await server.call("fs.grep", { dir: root, pattern, maxMatches: 1_000 });
  if (!answer.ok) throw new Error(answer.message);
  const { matches } = answer.result as { matches: readonly { path: string; line: number }[] };
  return matches.map(({ path, line }) => `${path}:${line}`);
}

const theirs = (pattern: string): readonly string[] =>
  execFileSync(rgPath, ["--no-heading", "--line-number", "--max-count", "1000", pattern, root], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(":").slice(0, 2).join(":"));

const rows: string[][] = [["pattern", "lines", "fs.grep ms", "ripgrep ms", "ratio", "same lines"]];
let same = true;
for (const pattern of ["heron", "heron stood at [0-9]{4}", "\\d{4} paces$"]) {
  const times: [number[], number[]] = [[], []];
  let told: readonly string[] = [];
  let expected: readonly string[] = [];
  for (let round = 0; round < rounds; round++) {
    let began = performance.now();
    told = await ours(pattern);
    times[0].push(performance.now() - began);
    began = performance.now();
    expected = theirs(pattern);
    times[1].push(performance.now() - began);
    last = busy();
  }
  const equal = [...told].sort().join("\n") === [...expected].sort().join("\n");
  same &&= equal;
  const [a, b] = [median(times[0]), median(times[1])];
  rows.push([pattern, `${told.length}`, a.toFixed(0), b.toFixed(0), (a / b).toFixed(1), equal ? "yes" : "no"]);
}
clearInterval(beat);
await server.stop();
rmSync(base, { recursive: true, force: true });
console.log(machine());
console.log(`${folders * filesEach} files; policy and the pin of each are in the time of fs.grep.`);
console.log(table(rows));
console.log(`Longest that the server's own thread was held: ${longest.toFixed(0)} ms of processor time.`);
process.exit(same ? 0 : 1);
