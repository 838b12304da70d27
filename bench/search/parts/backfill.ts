import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { join } from "node:path";
import { type Figure, inMs, percentile, times } from "../figures.ts";
import { writeTree } from "../notes-tree.ts";
import { launch } from "../server.ts";

const queries = 500;
const warming = 50;
/** Between two queries, with embeddings as without. */
const pauseMs = 20;

/** Queries while every passage is embedded in the background, beside the same queries of a server that embeds nothing. */
export async function measureBackfill({
  base,
  passages,
}: {
  readonly base: string;
  readonly passages: number;
}): Promise<readonly Figure[]> {
  const [folder, data] = [join(base, "notes"), join(base, "data")];
  const tree = writeTree(folder, { seed: 7, passages, queries: queries + warming });
  const [warm, asked] = [tree.queries.slice(0, warming), tree.queries.slice(warming)];
  const endpoint = await startEndpoint();
  try {
    const plain = launch(folder, data);
    let alone: readonly number[];
    try {
      await plain.ask("start", {});
      await plain.ask("times", { queries: warm, limit: 10 });
      alone = await plain.ask("times", { queries: asked, limit: 10, pauseMs });
    } finally {
      await plain.stop();
    }
    const env = {
      PORTCULLIS_EMBEDDINGS_URL: endpoint.url,
      PORTCULLIS_EMBEDDINGS_KIND: "ollama",
      PORTCULLIS_EMBEDDINGS_MODEL: "hashed",
    };
    const server = launch(folder, data, env);
    try {
      await server.ask("start", {});
      await server.ask("times", { queries: warm, limit: 10 });
      const before = await endpoint.texts();
      const began = performance.now();
      const meanwhile = await server.ask("times", { queries: asked, limit: 10, pauseMs });
      const embedded = (await endpoint.texts()) - before;
      const rate = embedded / ((performance.now() - began) / 1_000);
      // Only as long as there is something left to embed is it a backfill.
      if (before + embedded >= tree.passages)
        throw new Error("All was embedded before the queries ended: ask for more passages.");
      return [
        { what: "texts embedded a second, between the queries", measured: rate.toFixed(0) },
        ...[0.5, 0.99].map((share) => {
          const [mine, base] = [percentile(meanwhile, share), percentile(alone, share)];
          return {
            what: `query p${share * 100} meanwhile, beside without embeddings`,
            measured: inMs(mine),
            peer: inMs(base),
            ratio: `${times(mine / base)} the time`,
          };
        }),
      ];
    } finally {
      await server.stop();
    }
  } finally {
    endpoint.stop();
  }
}

async function startEndpoint() {
  const child: ChildProcess = fork(join(import.meta.dirname, "..", "embedding-process.ts"), [], {
    execArgv: ["--conditions=portcullis-source", "--disable-warning=ExperimentalWarning"],
  });
  // It stands for a model elsewhere: what it takes of this machine's processors would be none of the server's.
  if (child.pid !== undefined) setPriority(child.pid, 19);
  const [{ url }] = (await once(child, "message", { signal: AbortSignal.timeout(30_000) })) as [{ url: string }];
  return {
    url,
    /** How many texts it was given so far. */
    async texts(): Promise<number> {
      child.send("texts");
      const [{ texts }] = (await once(child, "message", { signal: AbortSignal.timeout(30_000) })) as [
        { texts: number },
      ];
      return texts;
    },
    stop: () => void child.kill("SIGKILL"),
  };
}
