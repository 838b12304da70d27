import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { leanEnvironment, leanFlags } from "../../packages/server/src/cli/lean-process.ts";
import { toPolicy } from "../many-scopes.ts";

/** One result of `search`; the range is that of its citation, in bytes of the file. */
export interface Found {
  readonly id: string;
  readonly text: string;
  readonly start?: number;
  readonly end?: number;
}

/** What can be asked of the server's process. */
export interface Requests {
  /** Opens the server and waits until there is nothing left to index. `cpuMs` is of all its threads. */
  readonly start: { asked: object; answer: { readonly ms: number; readonly cpuMs: number } };
  readonly settled: { asked: object; answer: undefined };
  readonly status: {
    asked: object;
    answer: {
      readonly documents: number;
      readonly chunks: number;
      readonly pending: number;
      readonly failed: number;
    };
  };
  readonly search: {
    asked: { readonly queries: readonly string[]; readonly limit: number };
    answer: readonly (readonly Found[])[];
  };
  /**
   * How long each query takes through the whole corridor in ms, one after the other; with `untilSettled` they begin anew until there is nothing
   * left to index.
   */
  readonly times: {
    asked: {
      readonly queries: readonly string[];
      readonly limit: number;
      readonly pauseMs?: number;
      readonly untilSettled?: boolean;
    };
    answer: readonly number[];
  };
  /** Asks again and again until the first result says the query; answers when that was, in ms since 1970. */
  readonly until: { asked: { readonly query: string; readonly withinMs: number }; answer: number };
  /** The longest that the event loop was late since this was asked last, in ms. */
  readonly loop: { asked: object; answer: number };
  readonly stop: { asked: object; answer: undefined };
}

export interface Asked {
  readonly id: number;
  readonly what: keyof Requests;
  readonly asked: object;
}

export type Answered =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

export interface Server {
  readonly pid: number;
  ask<What extends keyof Requests>(what: What, asked: Requests[What]["asked"]): Promise<Requests[What]["answer"]>;
  /** Closes the server and ends its process; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Nothing that is asked takes longer than this (ms). */
const patience = 3_600_000;

/** Starts a process for a server of `folder` with its data folder `data`, which is made when it is missing. Nothing is indexed before `start` is asked. `env` holds settings. */
export function launch(folder: string, data: string, env: Readonly<Record<string, string>> = {}): Server {
  mkdirSync(join(data, "policies"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "policies", "bench.yaml"), toPolicy("bench", folder, 1));
  const child = fork(join(import.meta.dirname, "server-process.ts"), [folder, data], {
    // As `portcullis serve` begins itself, and the built program: the source would bring its compiler's memory with it.
    execArgv: [...leanFlags, "--disable-warning=ExperimentalWarning"],
    env: { ...leanEnvironment, ...process.env, ...env, NODE_OPTIONS: "" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let questions = 0;
  child.on("message", (answered: Answered) => {
    const asked = waiting.get(answered.id);
    waiting.delete(answered.id);
    if ("error" in answered) asked?.reject(new Error(answered.error));
    else asked?.resolve(answered.value);
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`The server's process ended (${code ?? signal}).`));
    waiting.clear();
  });

  const ask: Server["ask"] = async (what, asked) => {
    const id = questions++;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    const late = setTimeout(() => answer.reject(new Error(`No answer to ${what}.`)), patience);
    if (!child.connected) answer.reject(new Error("The server's process has ended."));
    else child.send({ id, what, asked } satisfies Asked);
    try {
      return (await answer.promise) as Requests[typeof what]["answer"];
    } finally {
      clearTimeout(late);
      waiting.delete(id);
    }
  };
  return {
    pid: child.pid ?? 0,
    ask,
    async stop() {
      try {
        // A process that has ended by itself was reported where it was asked something.
        if (child.connected) await ask("stop", {});
      } finally {
        child.kill("SIGKILL");
        await gone;
      }
    },
  };
}
