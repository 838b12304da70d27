import { parentPort } from "node:worker_threads";
import { NotReadable } from "../document.ts";
import { type FormatName, formats } from "../formats/format-of.ts";
import { readFormat } from "../formats/read-format.ts";
import { packAnswer } from "./answer.ts";
import { confine } from "./confine.ts";
import { toChunks } from "./frames.ts";

/** What the thread is told to read. */
export interface Task {
  readonly format: FormatName;
  readonly path: string;
  readonly bytes: Uint8Array;
}

const port = parentPort;
confine();

port?.on("message", async ({ format, path, bytes }: Task) => {
  port.postMessage(await answer({ format, path, bytes }));
});
port?.postMessage("ready");

async function answer({ format, path, bytes }: Task): Promise<readonly Uint8Array[]> {
  const { rss } = process.memoryUsage;
  try {
    if (!Object.hasOwn(formats, format)) throw new NotReadable("Nothing here reads its format.");
    const documents = await readFormat(format, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), path);
    const { head, body } = packAnswer(documents);
    return toChunks({ ...head, rss: rss() }, body);
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    return toChunks({ refused: error.message, rss: rss() }, []);
  }
}
