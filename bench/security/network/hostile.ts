import { fork } from "node:child_process";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CallError } from "@portcullis/contracts";
import { createGuardedFetch } from "../../../packages/server/src/network/guarded-fetch.ts";
import { table } from "../../measure.ts";
import { behaviours, findBehaviour } from "./behaviours.ts";

export interface BehaviourCase {
  readonly id: string;
  readonly behaviour: string;
}

const mebibyte = 2 ** 20;
const most = { bytes: 5 * mebibyte, ms: 15_000, memory: 32 * mebibyte };

interface Servers {
  readonly ports: Readonly<Record<string, number>>;
  readonly ca: string;
}

interface Came {
  readonly bytes: number;
  readonly ms: number;
  readonly memory: number;
  readonly what: string;
}

/** Every hostile server, asked by the guarded fetch one at a time, and by plain `fetch` all at once: bytes, time and memory that it took. */
export async function tryHostile(cases: readonly BehaviourCase[]): Promise<readonly string[]> {
  const child = fork(join(import.meta.dirname, "hostile-servers.ts"), { stdio: "inherit" });
  const servers = await new Promise<Servers>((resolve, reject) => {
    child.once("message", (message) => resolve(message as Servers));
    child.once("exit", () => reject(new Error("The hostile servers have ended.")));
  });
  const unknown = cases.filter(({ behaviour }) => findBehaviour(behaviour) === undefined);
  const wanted = new Set(cases.flatMap(({ behaviour }) => findBehaviour(behaviour) ?? []));
  const names = Object.keys(behaviours);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const plain = Promise.all(names.map((name) => fetchPlainly(urlOf(name, servers))));
  const plainly = await plain;
  const fetch = createGuardedFetch({
    lookup: async () => ["127.0.0.1"],
    privateHosts: ["site.test:*"],
    ca: servers.ca,
  });
  const failures: string[] = [];
  const score = { bounded: 0, wanted: 0, ms: 0, memory: 0, bytes: 0, refused: 0 };
  const slow = names.filter((name) => /slow|never|endless$|huge|garbage/.test(name));
  const judge = (name: string, { bytes, ms, memory, what }: Came): void => {
    const bounded = bytes <= most.bytes && ms <= most.ms && memory <= most.memory;
    score.bounded += Number(bounded);
    score.wanted += Number(bounded && wanted.has(name));
    score.ms = Math.max(score.ms, ms);
    score.memory = Math.max(score.memory, memory);
    score.bytes = Math.max(score.bytes, bytes);
    const trusted = name.startsWith("tls-") && what === "answered";
    if (bounded && !trusted) return;
    const figures = `${bytes} bytes, ${Math.round(ms)} ms, +${Math.round(memory / mebibyte)} MiB`;
    failures.push(`FAILED ${name}: ${figures}, ${what}`);
  };
  // Once, so that what is loaded and compiled is not counted.
  await measure(() => fetch({ url: urlOf("second-answer", servers), reach: () => "public" }), collect);
  for (const name of names.filter((each) => !slow.includes(each)))
    judge(name, await measure(() => fetch({ url: urlOf(name, servers), reach: () => "public" }), collect));
  const waited = await Promise.all(
    slow.map((name) =>
      measure(
        () => fetch({ url: urlOf(name, servers), reach: () => "public" }),
        () => {},
      ),
    ),
  );
  for (const [at, came] of waited.entries()) judge(slow[at] ?? "", came);
  child.disconnect();
  return [
    table([
      ["hostile servers", "of", "bounded", "longest", "largest", "most memory"],
      [
        "Portcullis",
        `${names.length}`,
        `${score.bounded}`,
        `${(score.ms / 1_000).toFixed(1)} s`,
        `${(score.bytes / mebibyte).toFixed(1)} MiB`,
        `+${Math.round(score.memory / mebibyte)} MiB`,
      ],
      ["plain fetch", `${names.length}`, `${plainly.filter(Boolean).length}`, "", "", ""],
      ["aim", "", "all", "15 s", "5 MiB", "+32 MiB"],
    ]),
    `Of the corpus's ${cases.length} behaviours ${cases.length - unknown.length} are built, ${score.wanted} of ${wanted.size} of those bounded.`,
    ...unknown.map(({ id, behaviour }) => `FAILED ${id}: no server here behaves like «${behaviour}»`),
    ...failures,
  ];
}

const urlOf = (name: string, { ports }: Servers): string =>
  `${name.startsWith("tls-") ? "https" : "http"}://site.test:${ports[name]}/x`;

async function measure(work: () => Promise<{ body: Uint8Array }>, collect: () => void): Promise<Came> {
  collect();
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  const started = performance.now();
  const came = await work().then(
    ({ body }) => ({ bytes: body.length, what: "answered" }),
    (error: unknown) => ({
      bytes: 0,
      what: error instanceof CallError ? `${error.code} ${error.details?.reason}` : `${error}`,
    }),
  );
  clearInterval(watch);
  const ms = performance.now() - started;
  return { ...came, ms, memory: Math.max(peak, process.memoryUsage.rss()) - before };
}

/** Whether plain `fetch` comes to an end within the same bounds; bytes are counted and not kept. */
async function fetchPlainly(url: string): Promise<boolean> {
  const stop = AbortSignal.timeout(most.ms);
  try {
    const answer = await fetch(url.replace("site.test", "127.0.0.1"), { signal: stop, redirect: "manual" });
    let bytes = 0;
    for await (const chunk of answer.body ?? []) {
      bytes += (chunk as Uint8Array).length;
      if (bytes > most.bytes) return false;
    }
    return true;
  } catch {
    return !stop.aborted;
  }
}
