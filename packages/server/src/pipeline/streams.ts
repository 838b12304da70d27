import { CallError } from "@portcullis/contracts";
import type { Caller, Sink } from "./arrival.ts";

/** One resource on its way to a client. */
export interface Stream {
  readonly id: string;
  readonly grant: string;
  readonly sink: Sink;
  /** Fires with the reason when it is to end. */
  readonly ending: AbortController;
  /** Chunks that the client has asked for and not been sent. */
  credit: number;
  /** Wakes the stream when credit has come. */
  wake: () => void;
}

/** The resources that are being read, so that their number is bounded and each can be credited and withdrawn. */
export interface Streams {
  /** Throws `RATE_LIMITED` where one more would be too many. */
  add(id: string, caller: Caller, sink: Sink, credit: number): Stream;
  /** Lets a stream of this connection go on for so many chunks; false when there is none. */
  credit(id: string, sink: Sink, chunks: number): boolean;
  /** Withdraws a stream of this connection; false when there is none. */
  cancel(id: string, sink: Sink): boolean;
  remove(stream: Stream): void;
  stop(): void;
}

/** Streams of one connection, of one token, and in all; and the most chunks that are asked for ahead. */
const perConnection = 16;
const perGrant = 64;
const total = 256;
const mostCredit = 4_096;

export function createStreams(): Streams {
  const open = new Map<string, Stream>();

  const refuse = (bucket: string, capacity: number): CallError =>
    new CallError("RATE_LIMITED", `${capacity} resources are being read already; wait for one to end.`, {
      details: { bucket, capacity, tokensLeft: 0, retryAfterMs: 1_000 },
    });
  const count = (test: (stream: Stream) => boolean): number => [...open.values()].filter(test).length;
  const find = (id: string, sink: Sink): Stream | undefined => {
    const found = open.get(id);
    return found?.sink === sink ? found : undefined;
  };

  return {
    add(id, { grant }, sink, credit) {
      if (count((one) => one.sink === sink) >= perConnection) throw refuse("connection", perConnection);
      if (count((one) => one.grant === grant) >= perGrant) throw refuse("grant", perGrant);
      if (open.size >= total) throw refuse("server", total);
      const stream: Stream = { id, grant, sink, ending: new AbortController(), credit, wake: () => {} };
      open.set(id, stream);
      return stream;
    },
    credit(id, sink, chunks) {
      const found = find(id, sink);
      if (!found) return false;
      found.credit = Math.min(mostCredit, found.credit + chunks);
      found.wake();
      return true;
    },
    cancel(id, sink) {
      const found = find(id, sink);
      found?.ending.abort(new CallError("CANCELLED", "The caller withdrew the stream."));
      return found !== undefined;
    },
    remove: ({ id }) => void open.delete(id),
    stop() {
      for (const { ending } of open.values())
        ending.abort(new CallError("UNAVAILABLE", "The server is shutting down."));
    },
  };
}
