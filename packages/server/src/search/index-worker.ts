import { parentPort, workerData } from "node:worker_threads";
import { openVectors } from "../open-vectors.ts";
import { compilePatterns } from "../redaction/patterns.ts";
import { createRedactor } from "../redaction/redactor.ts";
import { openTextIndex } from "../stores/sqlite/text-index.ts";
import { add, remove } from "./additions.ts";
import { followMeaning } from "./follow-meaning.ts";
import type { Asked, IndexThreadData, Meaning, Question, Told } from "./index-messages.ts";
import { createIndexer } from "./indexer.ts";

/** How often it tells how far it is, while it is at work. */
const tellMs = 100;

const { path, folders, meaning } = workerData as IndexThreadData;
const tell = (told: Told): void => parentPort?.postMessage(told);
const index = openTextIndex({ path });
const indexer = createIndexer({ index, folders, fault: (message, cause) => tell({ kind: "fault", message, cause }) });

const vectors = meaning && openVectors({ ...meaning, mask: createMask(meaning) });
const embedding =
  vectors &&
  followMeaning(index, {
    ...vectors,
    busy: () => Atomics.load(meaning.queries, 0) > 0,
    fault: (message, cause) => tell({ kind: "fault", message, cause }),
  });

function createMask({ patterns, secrets }: Meaning): (text: string) => string {
  const redactor = createRedactor({ patterns: compilePatterns(patterns), secrets });
  return (text) => redactor.scrubText(text).value;
}

let last = "";
const telling = setInterval(() => {
  const progress = indexer.progress();
  const text = JSON.stringify(progress);
  if (text === last) return;
  last = text;
  tell({ kind: "progress", progress });
}, tellMs);

async function answer(asked: Question): Promise<unknown> {
  switch (asked.what) {
    case "start":
      return indexer.start();
    case "settled":
      return indexer.settled();
    case "pending":
      return indexer.pending();
    case "troubles":
      return indexer.troubles();
    case "add":
      return add(index, asked.addition);
    case "remove":
      return remove(index, asked.url);
    case "stop":
      clearInterval(telling);
      await embedding?.stop();
      await indexer.stop();
      await vectors?.index.close();
      await index.close();
      return;
  }
}

parentPort?.on("message", (asked: Asked) => {
  const { id, what } = asked;
  answer(asked).then(
    (value) => {
      tell({ kind: "progress", progress: indexer.progress() });
      tell({ kind: "answer", id, value });
      if (what === "stop") parentPort?.close();
    },
    (cause) => tell({ kind: "failure", id, cause }),
  );
});
