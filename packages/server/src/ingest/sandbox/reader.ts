import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, exitCodes, unpackAnswer } from "./answer.ts";
import { createFrameReader, toChunks } from "./frames.ts";
import type { Task } from "./reader-thread.ts";

/** Why a reader has no answer. Its process has ended by then. */
export type Failure = "time" | "memory" | "crash" | "garbage" | "stopped";

export interface Reader {
  /** Files that it has answered for. */
  readonly served: number;
  /** One at a time. Never rejects. */
  ask(task: Task & { readonly bytes: Buffer }, timeMs: number): Promise<Answer | Failure>;
  /** Ends the process; resolves when it has gone. */
  stop(): Promise<void>;
}

/** A system short of memory kills outright, and V8 aborts when it finds none for an object. */
const outOfMemorySignals: ReadonlySet<string> = new Set(["SIGKILL", "SIGABRT"]);
const startMs = 15_000;
const ownProgram = new URL(
  import.meta.url.endsWith(".ts") ? "./reader-process.ts" : "./reader-process.js",
  import.meta.url,
);

/** Starts a process that reads files, with nothing of this one's environment. Rejects when it does not come up within 15 s. */
export async function startReader(memoryMb: number, program = ownProgram): Promise<Reader> {
  const file = fileURLToPath(program);
  const child = spawn(
    process.execPath,
    [
      "--permission",
      "--allow-worker",
      ...readable(file).map((path) => `--allow-fs-read=${path}`),
      "--disallow-code-generation-from-strings",
      "--no-addons",
      file,
      String(memoryMb),
    ],
    { env: {}, cwd: dirname(file), stdio: ["pipe", "pipe", "ignore"], windowsHide: true },
  );
  const ended = toEnd(child);
  // A pipe that breaks tells no more than the end of the process does.
  child.stdin.on("error", () => undefined);
  child.stdout.on("error", () => undefined);
  const timer = setTimeout(() => child.kill("SIGKILL"), startMs);
  try {
    const [first] = await Promise.race([
      once(child.stdout, "data") as Promise<[Buffer]>,
      ended.then((): [undefined] => [undefined]),
    ]);
    if (first?.toString("latin1") !== "r") throw new Error("The process that reads files could not be started.");
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (child.pid !== undefined) lowerPriority(child.pid);
  return attend(child, ended);
}

/** The program, its package, and the packages that this one may use: nothing else on the disk can be read. */
function readable(file: string): readonly string[] {
  const sources = fileURLToPath(new URL("../../", import.meta.url));
  const above: string[] = [];
  for (let folder = dirname(sources); ; folder = dirname(folder)) {
    above.push(
      ...["node_modules", "package.json"].map((name) => join(folder, name)).filter((path) => existsSync(path)),
    );
    if (folder === dirname(folder)) break;
  }
  // Packages are loaded from where their links lead.
  return [...new Set([file, sources, ...above, ...above.map((path) => realpathSync(path))])];
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended, or the system does not allow it: it is then as important as the server.
  }
}

const toEnd = (child: ChildProcess): Promise<Failure> =>
  new Promise((resolve) => {
    child.once("error", () => resolve("crash"));
    child.once("close", (code, signal) =>
      resolve(code === exitCodes.memory || (signal && outOfMemorySignals.has(signal)) ? "memory" : "crash"),
    );
  });

function attend(child: ChildProcess, ended: Promise<Failure>): Reader {
  const input = child.stdin as Socket;
  const output = child.stdout as Socket;
  const pipes = [input, output];
  let served = 0;
  let settle: ((outcome: Answer | Failure) => void) | undefined;
  let stopped = false;

  const receive = createFrameReader((frame) => settle?.(unpackAnswer(frame) ?? "garbage"));
  output.on("data", (chunk: Buffer) => {
    if (!receive(chunk)) settle?.("garbage");
  });
  void ended.then((failure) => settle?.(stopped ? "stopped" : failure));

  /** An idle reader keeps nobody from ending. */
  const hold = (held: boolean): void => {
    for (const handle of [child, ...pipes]) held ? handle.ref() : handle.unref();
  };
  const end = async (): Promise<void> => {
    hold(true);
    child.kill("SIGKILL");
    await ended;
    for (const pipe of pipes) pipe.destroy();
  };
  hold(false);
  return {
    get served() {
      return served;
    },
    async ask({ bytes, ...head }, timeMs) {
      hold(true);
      const answered = Promise.withResolvers<Answer | Failure>();
      settle = answered.resolve;
      const timer = setTimeout(answered.resolve, timeMs, "time");
      if (child.exitCode !== null || child.signalCode !== null) answered.resolve(await ended);
      for (const chunk of toChunks(head, [bytes])) input.write(chunk);
      const outcome = await answered.promise;
      clearTimeout(timer);
      settle = undefined;
      if (typeof outcome === "string") await end();
      else {
        served++;
        hold(false);
      }
      return outcome;
    },
    async stop() {
      stopped = true;
      await end();
    },
  };
}
