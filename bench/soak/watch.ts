import { readdirSync, readFileSync } from "node:fs";

/** What a process holds at a moment. */
export interface Sample {
  readonly calls: number;
  /** Resident memory in MiB. */
  readonly memory: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** Reads from /proc; Linux alone has it. */
export function sample(process: number, calls: number): Sample {
  const status = readFileSync(`/proc/${process}/status`, "utf8");
  const of = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const descriptors = readdirSync(`/proc/${process}/fd`).length;
  return { calls, memory: of("VmRSS") / 1_024, descriptors, threads: of("Threads") };
}

/** Of samples that lie evenly over a run: what changed from its second fifth to its last. */
export function trend(samples: readonly Sample[]): { readonly memory: number; readonly perMillion: number } {
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  const [early, late] = [samples.slice(fifth, 2 * fifth), samples.slice(-fifth)];
  const middle = (of: (one: Sample) => number, from: readonly Sample[]): number =>
    from.map(of).sort((a, b) => a - b)[Math.floor(from.length / 2)] ?? Number.NaN;
  const memory = middle(({ memory }) => memory, late) - middle(({ memory }) => memory, early);
  const calls = middle(({ calls }) => calls, late) - middle(({ calls }) => calls, early);
  return { memory, perMillion: calls > 0 ? (memory / calls) * 1e6 : 0 };
}
