// Path strings and folder layouts made to lead out of a served folder, tried on the whole server and on a naive one in the same run.
import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Outcome } from "@portcullis/contracts";
import { machine, table } from "../measure.ts";
import { readCorpus } from "./corpus.ts";
import { canary, createGround, type Step } from "./ground.ts";
import { type GuardedServer, startGuardedServer } from "./guarded-server.ts";
import { createNaiveServer, type NaiveServer } from "./naive-server.ts";

interface Payload {
  readonly id: string;
  readonly payload: string;
  readonly expect: "no-escape" | "allow";
}

interface Layout {
  readonly id: string;
  readonly name: string;
  readonly fs: readonly Step[];
  readonly call: { readonly op: string; readonly path: string };
  readonly expect: "deny" | "allow";
}

const payloads = readCorpus<Payload>("paths-payloads");
const layouts = readCorpus<Layout>("paths-layout");
if (!payloads || !layouts) {
  console.log("No corpus: PORTCULLIS_CORPORA names no folder with paths-payloads.jsonl.gz and paths-layout.jsonl.gz.");
  process.exit(0);
}
// A namespace of its own for bind mounts, where the system lets us have one.
if (!process.argv.includes("apart")) {
  const again = [process.execPath, ...process.execArgv, import.meta.filename, "apart"];
  try {
    execFileSync("unshare", ["-rm", "true"], { stdio: "ignore" });
    execFileSync("unshare", ["-rm", ...again], { stdio: "inherit" });
    process.exit(0);
  } catch (error) {
    if ((error as { status?: number }).status === 1 && (error as { stdout?: unknown }).stdout === null) process.exit(1);
    console.log("Bind mounts are left out: this system gives us no namespace of our own.");
  }
}

const slow = 2_000;
const ground = createGround();
const { root } = ground;
const server = await startGuardedServer(ground.base, root);
const naive = createNaiveServer(root);
const failures: string[] = [];

interface Score {
  calls: number;
  escapes: number;
  falseDenies: number;
  naiveEscapes: number;
  naiveFalseDenies: number;
}
const newScore = (): Score => ({ calls: 0, escapes: 0, falseDenies: 0, naiveEscapes: 0, naiveFalseDenies: 0 });

/**
 * Whether an answer tells of what lies outside: by its content, or by the path of it or of anything in it. The folders above the served one may be
 * told, as they are the way to it; they are shown with nothing else in them.
 */
function leadsOut(outcome: Outcome): boolean {
  if (/OUTSIDE-CANARY|root:x:0:0/.test(JSON.stringify(outcome))) return true;
  if (!outcome.ok) return false;
  const { path, dir, entries = [], matches = [] } = outcome.result as Told;
  if (path !== undefined && !isInside(realpathSync(path))) return true;
  return [...(dir === undefined ? [] : [{ path: dir }]), ...entries, ...matches].some((each) => {
    const real = realpathSync(each.path);
    return !isInside(real) && !(root.startsWith(real === "/" ? real : `${real}/`) && real === each.path);
  });
}

interface Told {
  readonly path?: string;
  readonly dir?: string;
  readonly entries?: readonly { readonly path: string }[];
  readonly matches?: readonly { readonly path: string }[];
}

const isInside = (real: string): boolean => real === root || real.startsWith(`${root}/`);

/** Written as it is, inside the folder, and decoded once and twice. */
function spellings(payload: string): readonly string[] {
  const all = [payload, `${root}/${payload}`];
  for (let round = 0, text = payload; round < 2; round++) {
    try {
      text = decodeURIComponent(text);
    } catch {
      break;
    }
    all.push(text, `${root}/${text}`);
  }
  return [...new Set(all)].filter((text) => text.length > 0);
}

async function tryStrings(score: Score): Promise<void> {
  const undo = ground.lay([["write", "$ROOT/a.txt", "INSIDE"]]);
  const before = ground.outside();
  for (const { id, payload } of payloads?.filter((each) => each.expect === "no-escape") ?? []) {
    let escaped = false;
    let naiveEscaped = false;
    for (const path of spellings(payload)) {
      for (const [name, args] of [
        ["fs.readFile", { path }],
        ["fs.stat", { path }],
        ["fs.list", { dir: path }],
        ["fs.grep", { dir: path, pattern: "." }],
        ["fs.writeFile", { path, content: "x", mustBeNew: true }],
      ] as const) {
        score.calls++;
        escaped ||= leadsOut(await server.call(name, args));
      }
      naiveEscaped ||= /OUTSIDE-CANARY|root:x:0:0/.test(await naive.read(path).catch(() => ""));
    }
    if (ground.outside() !== before) escaped = true;
    if (escaped) failures.push(`string ${id} ${JSON.stringify(payload.slice(0, 80))} leads out`);
    score.escapes += Number(escaped);
    score.naiveEscapes += Number(naiveEscaped);
  }
  undo();
  for (const { id, payload } of payloads?.filter((each) => each.expect === "allow") ?? []) {
    const path = join(root, payload);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "INSIDE");
    const read = await server.call("fs.readFile", { path: `${root}/${payload}` });
    const written = await server.call("fs.writeFile", { path: payload, content: "INSIDE TOO" });
    const right = read.ok && (read.result as { content: string }).content === "INSIDE" && written.ok;
    if (!right) failures.push(`legal name ${id} ${JSON.stringify(payload.slice(0, 80))} is refused`);
    score.falseDenies += Number(!right);
    score.naiveFalseDenies += Number(!(await naive.read(payload).catch(() => "")).startsWith("INSIDE"));
  }
  ground.lay([])();
}

async function act(by: GuardedServer, { op, path }: Layout["call"]): Promise<readonly Outcome[]> {
  const write = (content: string) => by.call("fs.writeFile", { path, content });
  switch (op) {
    case "info":
      return [await by.call("fs.stat", { path })];
    case "list":
      return [await by.call("fs.list", { dir: path })];
    case "tree":
      return [await by.call("fs.list", { dir: path, depth: 8 })];
    case "search":
      return [await by.call("fs.grep", { dir: path, pattern: "." })];
    case "edit":
      return [await by.call("fs.readFile", { path }), await write("EDITED")];
    case "write":
    case "mkdir":
    case "move_to":
      return [await write("PLACED")];
    default:
      return [await by.call("fs.readFile", { path, ...(op === "media" && { encoding: "base64" }) })];
  }
}

async function actNaively(by: NaiveServer, { op, path }: Layout["call"]): Promise<string> {
  if (op === "info") return by.look(path);
  if (op === "list" || op === "tree" || op === "search") return by.list(path);
  if (op === "write" || op === "mkdir" || op === "move_to") return by.write(path, "PLACED");
  if (op === "edit") return (await by.read(path)) + (await by.write(path, "EDITED"));
  return by.read(path);
}

const within = <T>(work: Promise<T>): Promise<T | "slow"> =>
  Promise.race([work, new Promise<"slow">((resolve) => setTimeout(resolve, slow, "slow").unref())]);

async function tryLayout({ id, name, fs, call: { op, path }, expect }: Layout, score: Score): Promise<void> {
  const call = { op, path: ground.fill(path) };
  score.calls++;
  for (const who of ["guarded", "naive"] as const) {
    // A naive server that opens a pipe or 64 GiB never comes back; it is counted without being run.
    const hangs = who === "naive" && /fifo|sparse|dev-zero/.test(name);
    const undo = ground.lay(fs);
    const before = ground.outside();
    let passed: boolean | undefined;
    if (!hangs) {
      const answer = await within(
        who === "guarded"
          ? act(server, call).then((outcomes) => outcomes.map((each) => (each.ok ? JSON.stringify(each) : undefined)))
          : actNaively(naive, call)
              .then((told) => [told])
              .catch(() => [undefined]),
      );
      const told = answer === "slow" ? [] : answer.filter((each) => each !== undefined);
      const leaked = told.some((each) => each.includes(canary)) || ground.outside() !== before || answer === "slow";
      passed = expect === "allow" ? told.length > 0 && !leaked : told.length === 0 && !leaked;
    } else passed = false;
    undo();
    if (who === "guarded" && !passed) failures.push(`layout ${id} ${name} ${op}: ${expect} was expected`);
    if (passed) continue;
    if (who === "guarded") score[expect === "deny" ? "escapes" : "falseDenies"]++;
    else score[expect === "deny" ? "naiveEscapes" : "naiveFalseDenies"]++;
  }
}

const strings = newScore();
await tryStrings(strings);
const laid = newScore();
let left = 0;
for (const layout of layouts) {
  try {
    await tryLayout(layout, laid);
  } catch (error) {
    if (!layout.fs.some(([kind]) => kind === "bind")) throw error;
    laid.calls--;
    left++;
    ground.lay([])();
  }
}
await server.stop();
ground.remove();

const count = (list: readonly { readonly expect: string }[], expect: string): number =>
  list.filter((each) => each.expect === expect).length;
console.log(machine());
console.log(
  table([
    ["", "calls", "escapes", "false denies", "naive escapes", "naive false denies"],
    ...(
      [
        ["path strings", strings, payloads, "no-escape"],
        ["folder layouts", laid, layouts, "deny"],
      ] as const
    ).map(([what, score, list, bad]) => [
      what,
      `${score.calls}`,
      `${score.escapes} of ${count(list, bad)}`,
      `${score.falseDenies} of ${count(list, "allow")}`,
      `${score.naiveEscapes}`,
      `${score.naiveFalseDenies}`,
    ]),
  ]),
);
if (left > 0) console.log(`${left} layouts with a bind mount were left out: this process may not mount.`);
for (const failure of failures) console.log(failure);
process.exit(failures.length === 0 ? 0 : 1);
