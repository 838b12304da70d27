import type { TextIndex } from "../stores/store.ts";
import { type Backfill, type BackfillOptions, createBackfill } from "../vectors/backfill.ts";
import { createChunkSource } from "../vectors/chunk-source.ts";
import { createPassageChunks } from "../vectors/passage-chunks.ts";

/** How often it is looked whether there is something new to embed, in milliseconds. */
const lookMs = 500;

export interface Meaning {
  progress: Backfill["progress"];
  settled: Backfill["settled"];
  stop(): Promise<void>;
}

/** Keeps the vectors of passages in line with the index, making way for queries. */
export function followMeaning(
  text: TextIndex,
  options: Pick<BackfillOptions, "embedder" | "index" | "busy" | "working" | "fault">,
): Meaning {
  const backfill = createBackfill({ ...options, source: createChunkSource(createPassageChunks(text), options.index) });
  backfill.start();
  let seen = text.version();
  const looking = setInterval(() => {
    const version = text.version();
    if (version === seen) return;
    seen = version;
    backfill.nudge();
  }, lookMs);
  return {
    progress: () => backfill.progress(),
    settled: () => backfill.settled(),
    async stop() {
      clearInterval(looking);
      await backfill.stop();
    },
  };
}
