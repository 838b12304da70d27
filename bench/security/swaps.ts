// Reads and writes in a folder and of a file that another process swaps with a link to the outside all the while, on the whole server and on a naive one.
// The count of each is the first argument or PORTCULLIS_SWAPS: 2,000 by default, 100,000 for the figure to reach.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine, table } from "../measure.ts";
import { canary, createGround } from "./ground.ts";
import { startGuardedServer } from "./guarded-server.ts";
import { createNaiveServer } from "./naive-server.ts";

const count = Number(process.argv[2] ?? process.env.PORTCULLIS_SWAPS ?? 2_000);
const ground = createGround();
const { root, base } = ground;
const outside = join(base, "outside");
const secret = join(outside, "secret.txt");

// Half of the tries go through a folder that is swapped, half at a file that is.
mkdirSync(join(root, "folder"));
writeFileSync(join(root, "folder", "secret.txt"), "INSIDE");
symlinkSync(outside, join(root, "folder-link"));
writeFileSync(join(root, "file.txt"), "INSIDE");
symlinkSync(secret, join(root, "file-link"));
const targets = ["folder/secret.txt", "file.txt"] as const;

const program = `
const fs = require("node:fs");
const pairs = process.argv.slice(1).map((name) => [name, name.replace(/\\.txt$/, "") + "-link", name + "-spare"]);
for (;;) for (const [here, link, spare] of pairs) {
  try { fs.renameSync(here, spare); fs.renameSync(link, here); fs.renameSync(here, link); fs.renameSync(spare, here); } catch {}
}`;
const swapper: ChildProcess = spawn(process.execPath, ["-e", program, join(root, "folder"), join(root, "file.txt")], {
  stdio: "ignore",
});

const server = await startGuardedServer(base, root);
const naive = createNaiveServer(root);

interface Score {
  done: number;
  refused: number;
  escaped: number;
}

/** True when something has been written outside; then it is put right again. */
function wasWritten(): boolean {
  if (readFileSync(secret, "utf8") === canary) return false;
  writeFileSync(secret, canary);
  return true;
}

async function run(attempt: (path: string) => Promise<string | undefined>): Promise<Score> {
  const score: Score = { done: 0, refused: 0, escaped: 0 };
  for (let round = 0; round < count; round++) {
    const told = await attempt(targets[round % 2 ? 1 : 0]);
    if (told?.includes(canary) || wasWritten()) score.escaped++;
    else if (told === undefined) score.refused++;
    else score.done++;
  }
  return score;
}

const guarded = (name: string, args: object) => async (path: string) => {
  const outcome = await server.call(name, { path: join(root, path), ...args });
  return outcome.ok ? JSON.stringify(outcome) : undefined;
};
const failed = (): undefined => undefined;

const rows: [string, Score, Score][] = [];
try {
  rows.push(["reads", await run(guarded("fs.readFile", {})), await run((path) => naive.read(path).catch(failed))]);
  rows.push([
    "writes",
    await run(guarded("fs.writeFile", { content: "WRITTEN" })),
    await run((path) => naive.write(path, "WRITTEN").catch(failed)),
  ]);
} finally {
  const ended = new Promise((resolve) => swapper.once("exit", resolve));
  swapper.kill("SIGKILL");
  await ended;
  await server.stop();
  ground.remove();
}

const of = (part: number): string => `${part.toLocaleString("en")} of ${count.toLocaleString("en")}`;
console.log(machine());
console.log(
  table([
    ["swapped", "escapes", "done inside", "refused", "naive escapes", "naive done inside"],
    ...rows.map(([what, ours, theirs]) => [
      what,
      of(ours.escaped),
      `${ours.done}`,
      `${ours.refused}`,
      of(theirs.escaped),
      `${theirs.done}`,
    ]),
  ]),
);
process.exit(rows.some(([, { escaped }]) => escaped > 0) ? 1 : 0);
