// The product in a process of its own, opened as `portcullis serve` opens it but without its doors: what is asked of it comes over IPC, so that its memory and time are its own.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Success } from "@portcullis/contracts";
import type { OpenServer } from "../../packages/server/src/cli/open-server.ts";
import type { Answered, Asked, Found, Requests } from "./server.ts";

const built = new URL("../../packages/server/dist/cli/", import.meta.url);
const { openServer } = (await import(
  new URL("open-server.js", built).href
)) as typeof import("../../packages/server/src/cli/open-server.ts");
const { createOutput } = (await import(
  new URL("output.js", built).href
)) as typeof import("../../packages/server/src/cli/output.ts");

const unlimited = String(1_000_000_000);
const [folder = "", data = ""] = process.argv.slice(2);
const loop = monitorEventLoopDelay({ resolution: 5 });
let server: OpenServer;

const call = async (name: string, args: object): Promise<Success> => {
  const outcome = await server.corridor.handleCall({
    door: "websocket",
    credential: { kind: "local", subject: "bench" },
    name,
    args,
    trace: { purpose: "measure" },
  });
  if (!outcome.ok) throw new Error(`${name} ${JSON.stringify(args)}: ${outcome.code} ${outcome.message}`);
  return outcome;
};

const find = async (query: string, limit: number): Promise<readonly Found[]> => {
  const { result, citations = [] } = await call("search", { query, limit });
  const { results } = result as { results: readonly { id: string; text: string }[] };
  return results.map(({ id, text }) => {
    const cited = citations.find((citation) => citation.id === id);
    return { id, text, ...(cited && { start: cited.start, end: cited.end }) };
  });
};

const answers: { [What in keyof Requests]: (asked: Requests[What]["asked"]) => Promise<Requests[What]["answer"]> } = {
  async start() {
    loop.enable();
    const before = process.cpuUsage();
    const began = performance.now();
    server = await openServer({
      values: {},
      positionals: [folder],
      output: createOutput(true),
      env: {
        ...Object.fromEntries(
          Object.entries(process.env).filter(([name]) => name.startsWith("PORTCULLIS_EMBEDDINGS_")),
        ),
        HOME: data,
        PORTCULLIS_LIMITS_TURN_CALLS: unlimited,
        PORTCULLIS_LIMITS_TURN_CEILING: unlimited,
      },
      data,
    });
    await server.start();
    // What holds up the loop before the first call can come is no delay of one.
    loop.reset();
    await server.indexer.settled();
    const { user, system } = process.cpuUsage(before);
    return { ms: performance.now() - began, cpuMs: (user + system) / 1_000 };
  },
  async settled() {
    await server.indexer.settled();
  },
  async status() {
    return (await call("index.status", {})).result as Requests["status"]["answer"];
  },
  async search({ queries, limit }) {
    const found: (readonly Found[])[] = [];
    for (const query of queries) found.push(await find(query, limit));
    return found;
  },
  async times({ queries, limit, pauseMs = 0, untilSettled = false }) {
    const taken: number[] = [];
    let ended = !untilSettled;
    const end = (): void => {
      ended = true;
    };
    if (untilSettled) void server.indexer.settled().then(end);
    for (let next = 0; next < queries.length || !ended; next++) {
      const query = queries[next % queries.length];
      const before = performance.now();
      await call("search", { query, limit });
      taken.push(performance.now() - before);
      if (pauseMs > 0) await delay(pauseMs);
    }
    return taken;
  },
  async until({ query, withinMs }) {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      if ((await find(query, 1)).some(({ text }) => text.includes(query)))
        return performance.timeOrigin + performance.now();
      await delay(2);
    }
    throw new Error(`${query} was not found within ${withinMs} ms.`);
  },
  async loop() {
    const { max } = loop;
    loop.reset();
    return max / 1e6;
  },
  async stop() {
    await server.stop(1_000);
  },
};

process.on("message", ({ id, what, asked }: Asked) => {
  const answer = answers[what] as (asked: unknown) => Promise<unknown>;
  answer(asked).then(
    (value) => process.send?.({ id, value } satisfies Answered),
    (error: Error) => process.send?.({ id, error: error.stack ?? error.message } satisfies Answered),
  );
});
process.once("disconnect", () => process.exit());
