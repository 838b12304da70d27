import { parentPort, workerData } from "node:worker_threads";
import { openTextIndex } from "../stores/sqlite/text-index.ts";
import { add, remove } from "./additions.ts";
import { addChat } from "./chats.ts";
import { giveWay } from "./give-way.ts";
import type { Asked, IndexThreadData, Meaning, Question, Told } from "./index-messages.ts";
import { createIndexer } from "./indexer.ts";

/** How often it tells how far it is, while it is at work. */
const tellMs = 100;

// A query never waits for the processor behind what is being indexed or embedded.
giveWay();

const { path, folders, meaning } = workerData as IndexThreadData;
const tell = (told: Told): void => parentPort?.postMessage(told);
const index = openTextIndex({ path });
const indexer = createIndexer({ index, folders, fault: (message, cause) => tell({ kind: "fault", message, cause }) });

const embedding = meaning && (await openMeaning(meaning));

/** Begins to embed; what that needs is loaded only here. Resolves to how it is ended; undefined when nothing is to be embedded. */
async function openMeaning({ patterns, secrets, traffic, ...where }: Meaning) {
  const [{ openVectors }, { compilePatterns }, { createRedactor }, { followMeaning }, { makeWay }] = await Promise.all([
    import("../open-vectors.ts"),
    import("../redaction/patterns.ts"),
    import("../redaction/redactor.ts"),
    import("./follow-meaning.ts"),
    import("../vectors/traffic.ts"),
  ]);
  const redactor = createRedactor({ patterns: compilePatterns(patterns), secrets });
  const vectors = openVectors({ ...where, mask: (text) => redactor.scrubText(text).value });
  if (!vectors) return undefined;
  const following = followMeaning(index, {
    ...vectors,
    ...makeWay(traffic),
    fault: (message, cause) => tell({ kind: "fault", message, cause }),
  });
  return async (): Promise<void> => {
    await following.stop();
    await vectors.index.close();
  };
}

let last = "";
const telling = setInterval(() => {
  const progress = indexer.progress();
  const text = JSON.stringify(progress);
  if (text === last) return;
  last = text;
  tell({ kind: "progress", progress });
}, tellMs);

let turn: Promise<unknown> = Promise.resolve();

/** Chats one after the other: each is put to what is kept of it already. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.then(work, work);
  turn = done;
  return done;
}

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
    case "chat":
      return inTurn(() => addChat(index, asked.chat));
    case "remove":
      return remove(index, asked.url);
    case "stop":
      clearInterval(telling);
      await embedding?.();
      await indexer.stop();
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
