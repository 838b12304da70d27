import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openWorld, type World } from "../../../test/support/world.ts";

/** A server process that is tried: Portcullis itself, or a bare peer that does the same with no care taken. */
export interface Target {
  readonly port: number;
  readonly pid: number;
  /** Undefined where nobody logs in. */
  readonly token: string | undefined;
  alive(): boolean;
  /** What is left after a full collection (`rss` and, of it, `used`); `gained` are the names that were added to prototypes. */
  probe(): Promise<Probed>;
  close(): Promise<void>;
}

const options = `--import=${join(import.meta.dirname, "probe.mjs")}`;

const policy = `subject: bench
scopes:
  - { tool: fs.readFile, allow: ["@served/**"] }
`;

export type PortcullisTarget = Target & { readonly token: string; readonly world: World };

export async function startPortcullis(): Promise<PortcullisTarget> {
  const world = await openWorld({
    policies: { "bench.yaml": policy },
    env: {
      NODE_OPTIONS: options,
      PORTCULLIS_LIMITS_TURN_CALLS: "100000000",
      PORTCULLIS_LIMITS_TURN_CEILING: "100000000",
    },
  });
  const token = await world.token("bench");
  return {
    world,
    token,
    port: Number(new URL(world.listening.http).port),
    pid: world.server.pid ?? 0,
    alive: () => world.server.exitCode === null && world.server.signalCode === null,
    probe: () =>
      ask(
        () => world.server.kill("SIGUSR2"),
        () => world.log(),
      ),
    close: () => world.close(),
  };
}

export async function startBarePeer(): Promise<Target> {
  const file = join(import.meta.dirname, "bare-peer.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", options, file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).once("line", (line) => resolve(Number(line)));
    child.once("exit", () => reject(new Error(log)));
  });
  return {
    port,
    pid: child.pid ?? 0,
    token: undefined,
    alive: () => child.exitCode === null && child.signalCode === null,
    probe: () =>
      ask(
        () => child.kill("SIGUSR2"),
        () => log,
      ),
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (!child.kill("SIGKILL")) return;
      await ended;
    },
  };
}

export interface Probed {
  readonly gained: readonly string[];
  readonly rss: number;
  readonly used: number;
}

async function ask(signal: () => void, log: () => string): Promise<Probed> {
  const before = log().length;
  signal();
  for (let tries = 0; tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const line = log()
      .slice(before)
      .split("\n")
      .find((each) => each.includes('"probe":true') && each.endsWith("}"));
    if (line) return JSON.parse(line) as Probed;
  }
  throw new Error(`The server gave no answer to the probe:\n${log().slice(-2_000)}`);
}

/** Processor time that a process has used so far, in ms. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export const rssOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1_024;
