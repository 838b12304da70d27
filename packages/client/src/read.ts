import type { ResourceChunk, ResourceStream, Trace } from "@portcullis/contracts";
import { ConnectionLost, RefusedRequest } from "./errors.ts";
import type { Around } from "./follow.ts";

export interface ReadOptions {
  /** Bytes of the source. */
  readonly offset?: number;
  readonly length?: number;
  readonly encoding?: "auto" | "text" | "base64";
  readonly trace?: Trace;
}

export interface Piece {
  /** Text, or base64 where `encoding` says so. */
  readonly data: string;
  readonly encoding: "text" | "base64";
  /** Bytes `[offset, end)` of the source. */
  readonly offset: number;
  readonly end: number;
}

/** Chunks that may be on their way at once. */
const ahead = 8;

/** The pieces of a resource. What a broken connection did not bring is asked for again from there. */
export async function* read(reading: Around & ReadOptions & { readonly uri: string }): AsyncGenerator<Piece> {
  const { offset = 0, length, isClosed } = reading;
  let at = offset;
  const stop = length === undefined ? Number.POSITIVE_INFINITY : offset + length;
  for (;;) {
    try {
      for await (const piece of readOnce(reading, at, stop)) {
        at = piece.end;
        yield piece;
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectionLost) || isClosed()) throw error;
    }
  }
}

async function* readOnce(
  { current, listeners, uri, encoding, trace }: Around & ReadOptions & { readonly uri: string },
  offset: number,
  stop: number,
): AsyncGenerator<Piece> {
  const line = await current();
  const length = Number.isFinite(stop) ? { length: stop - offset } : {};
  const params = { uri, offset, ...length, ...(encoding && { encoding }), credit: ahead, ...(trace && { trace }) };
  const stream = (await line.ask({ method: "resources.read", params })) as ResourceStream;
  const { streamId } = stream;
  const waiting: (ResourceChunk | Error)[] = [];
  let wake = (): void => {};
  const come = (chunk: ResourceChunk | Error): void => {
    waiting.push(chunk);
    wake();
  };
  const unlisten = listeners.listen(streamId, ({ params: chunk }) => come(chunk as ResourceChunk));
  void line.ended.then((reason) => come(new ConnectionLost(reason)));
  let done = false;
  try {
    for (;;) {
      const chunk = waiting.shift();
      if (!chunk) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (chunk instanceof Error) throw chunk;
      if (chunk.done) {
        done = true;
        if (chunk.failure) throw new RefusedRequest(chunk.failure);
        return;
      }
      const { data = "", offset: from = 0, end = from } = chunk;
      yield { data, encoding: stream.encoding, offset: from, end };
      line.tell("resources.credit", { streamId, chunks: 1 });
    }
  } finally {
    unlisten();
    if (!done) line.tell("call.cancel", { id: streamId });
  }
}
