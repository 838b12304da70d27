// Takes out each guard once, in a copy of the tree, and runs the tests that hold it: a removal that no test notices fails the run.
// Arguments choose guards by a part of their names or files; without any, all are tried.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { table } from "../measure.ts";
import { consoleGuards } from "./without/console.ts";
import { decisionGuards } from "./without/decisions.ts";
import { doorGuards } from "./without/doors.ts";
import { fileGuards } from "./without/files.ts";
import { gitGuards } from "./without/git.ts";
import type { Guard } from "./without/guard.ts";
import { loginGuards } from "./without/logins.ts";
import { pairingGuards } from "./without/pairing.ts";
import { sourceGuards } from "./without/sources.ts";
import { streamGuards } from "./without/streams.ts";

const root = resolve(import.meta.dirname, "../..");
const copy = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-without-")));
const wanted = process.argv.slice(2);
const guards = [
  ...fileGuards,
  ...gitGuards,
  ...decisionGuards,
  ...doorGuards,
  ...pairingGuards,
  ...consoleGuards,
  ...sourceGuards,
  ...streamGuards,
  ...loginGuards,
].filter(({ name, file }) => wanted.length === 0 || wanted.some((part) => name.includes(part) || file.includes(part)));

/** After this long a run is ended: a guard may be what ends a test. */
const longestRun = 180_000;

function copyTree(): void {
  const leave = /\/node_modules$/;
  for (const name of ["packages", "test", "package.json", "tsconfig.json", "tsconfig.base.json", "vitest.config.ts"])
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !leave.test(path) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const own = join("packages", "server", "node_modules");
  symlinkSync(join(root, own), join(copy, own));
}

function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((done, fail) => {
    const path = `${join(root, "node_modules", ".bin")}:${process.env.PATH}`;
    const child = spawn("nice", ["-n", "19", join(root, "node_modules", ".bin", program), ...args], {
      cwd: copy,
      env: { ...process.env, PATH: path, NODE_OPTIONS: "" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (text += piece));
    const end = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(end, longestRun);
    child.once("error", fail);
    child.once("close", (code) => {
      clearTimeout(timer);
      done({ code, text });
    });
  });
}

interface Tested {
  readonly passed: number;
  /** Of those that failed. */
  readonly names: readonly string[];
}

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly { status: string; fullName: string }[] }[];
}

async function test({ tests, only }: Pick<Guard, "tests" | "only">): Promise<Tested | string> {
  if (tests.some((file) => file.startsWith("test/e2e/"))) {
    const built = await run("tsc", ["-b", "packages/server"]);
    if (built.code !== 0) return `does not build: ${built.text.slice(0, 300)}`;
  }
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const choice = only === undefined ? [] : ["-t", only];
  const { code, text } = await run("vitest", ["run", ...tests, ...choice, "--reporter=json", `--outputFile=${report}`]);
  try {
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
    const all = testResults.flatMap(({ assertionResults }) => assertionResults);
    const names = all.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
    return { passed: numPassedTests, names };
  } catch {
    return code === null ? "was ended: too slow" : `has no report: ${text.slice(-300)}`;
  }
}

/** Tests that fail with every guard in place: they notice nothing. */
const failing = new Map<string, Promise<Tested | string>>();

function testWhole(guard: Guard): Promise<Tested | string> {
  const key = JSON.stringify([guard.tests, guard.only]);
  const known = failing.get(key) ?? test(guard);
  failing.set(key, known);
  return known;
}

/** What came of one removal; `noticed` only when a test that ran said so. */
async function without(guard: Guard): Promise<{ readonly noticed: boolean; readonly says: string }> {
  const file = join(copy, "packages/server/src", guard.file);
  const text = readFileSync(file, "utf8");
  if (text.split(guard.from).length !== 2) return { noticed: false, says: "the guard is not where the table says" };
  const whole = await testWhole(guard);
  if (typeof whole === "string" || whole.passed === 0)
    return { noticed: false, says: `with the guard in place: ${typeof whole === "string" ? whole : "no test passes"}` };
  writeFileSync(
    file,
    text.replace(guard.from, () => guard.to),
  );
  try {
    const tested = await test(guard);
    if (typeof tested === "string") return { noticed: false, says: tested };
    const fell = tested.names.filter((name) => !whole.names.includes(name));
    for (const name of fell.slice(0, 3)) console.log(`    ${name}`);
    return fell.length > 0
      ? { noticed: true, says: `yes, ${fell.length} ${fell.length === 1 ? "test" : "tests"}` }
      : { noticed: false, says: `NOT NOTICED by ${tested.passed} tests` };
  } finally {
    writeFileSync(file, text);
  }
}

const rows: string[][] = [];
let missed = 0;
try {
  copyTree();
  for (const guard of guards) {
    const { noticed, says } = await without(guard);
    if (!noticed) missed++;
    console.log(`${noticed ? "ok  " : "MISS"} ${guard.name} (${guard.file}): ${says}`);
    rows.push([guard.name, guard.file, says]);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(table([["guard", "in", "seen"], ...rows]));
console.log(`${guards.length - missed} of ${guards.length} removals were noticed.`);
process.exit(missed > 0 || guards.length === 0 ? 1 : 0);
