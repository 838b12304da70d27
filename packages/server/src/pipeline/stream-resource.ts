import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { CallError, type ResourceChunk, toUri } from "@portcullis/contracts";
import type { OpenResource } from "../adapters/adapter.ts";
import { fail } from "./answer.ts";
import type { Sink } from "./arrival.ts";
import { type Authorization, authorize, type Question } from "./authorize.ts";
import { type Facts, openFacts } from "./facts.ts";
import type { Parts } from "./parts.ts";
import { recordOutcome } from "./record.ts";
import type { Piece, Pieces } from "./resource-pieces.ts";
import type { Stream } from "./streams.ts";

/** How long a stream waits for credit, or for a client that takes nothing (ms). */
const patienceMs = 60_000;

interface Sending {
  readonly stream: Stream;
  readonly pieces: Pieces;
  /** Of the request that opened it. */
  readonly facts: Facts;
  readonly question: Question;
  readonly opened: OpenResource;
  readonly authorization: Authorization;
}

/** Sends an opened resource piece by piece, as fast as its reader grants, and at last what came of it. Never rejects. */
export async function sendStream(parts: Parts, sending: Sending): Promise<void> {
  const { stream, pieces, facts: asked, question, opened, authorization } = sending;
  const { id: streamId, sink, ending } = stream;
  const { signal } = ending;
  const gone = (): void => ending.abort(new CallError("CANCELLED", "The client has gone."));
  if (sink.gone.aborted) gone();
  sink.gone.addEventListener("abort", gone, { once: true });
  const unwatch = parts.vigil.watch(asked.origin.credential, () =>
    ending.abort(new CallError("UNAUTHENTICATED", "The token or session of this stream has ended.")),
  );
  const facts = openFacts(parts, asked.origin, { kind: "stream", name: "resources.read" });
  const { caller, justification, resources, labels, turn } = asked;
  Object.assign(facts, { caller, justification, resources, labels, ...(turn && { turn }) });
  facts.verdicts = authorization.verdicts;
  facts.policy = parts.policy().hash;
  const masked: Record<string, number> = {};
  facts.masked = masked;
  const hash = createHash("sha256");
  let seq = 0;
  let size = 0;
  let end = pieces.start;
  let last: ResourceChunk;
  try {
    for await (const piece of pieces.pieces) {
      await mayGoOn(stream, sink);
      judge(parts, question);
      const bytes = pieces.encoding === "text" ? Buffer.from(piece.data) : Buffer.from(piece.data, "base64");
      hash.update(bytes);
      size += bytes.length;
      end = piece.to;
      for (const [kind, count] of Object.entries(piece.masked)) masked[kind] = (masked[kind] ?? 0) + count;
      stream.credit -= 1;
      sink.send({ method: "resources.chunk", params: toChunk(streamId, seq++, piece) });
      // Others get their turn between two pieces.
      await setImmediate();
      signal.throwIfAborted();
    }
    facts.args = { streamId, bytes: size, end };
    const done = { size, sha256: hash.digest("hex"), end, masked };
    const outcome = await recordOutcome(parts, facts, { ok: true, result: done, auditId: facts.id });
    last = outcome.ok
      ? { streamId, seq, done: true, ...done, auditId: facts.id }
      : { streamId, seq, done: true, failure: outcome };
  } catch (error) {
    facts.args = { streamId, bytes: size, end };
    const reason = signal.aborted && signal.reason instanceof CallError ? signal.reason : error;
    const outcome = await recordOutcome(parts, facts, fail(parts, facts, reason));
    last = { streamId, seq, done: true, ...(!outcome.ok && { failure: outcome }) };
  } finally {
    unwatch();
    sink.gone.removeEventListener("abort", gone);
    await pieces.pieces.return(undefined).catch(() => {});
    opened.close();
    parts.streams.remove(stream);
  }
  if (!sink.gone.aborted) sink.send({ method: "resources.chunk", params: last });
}

const toChunk = (streamId: string, seq: number, { data, from, to }: Piece): ResourceChunk => ({
  streamId,
  seq,
  offset: from,
  end: to,
  data,
});

/** Waits for the reader's credit and for the connection to take more; a reader who does neither in time has left. */
async function mayGoOn(stream: Stream, sink: Sink): Promise<void> {
  const { signal } = stream.ending;
  signal.throwIfAborted();
  if (stream.credit > 0 && (await isReadyNow(sink))) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = new CallError("TIMEOUT", `The reader took nothing for ${patienceMs / 1_000} s.`, {
    details: { next: "Read on from the end of the last chunk: offset." },
  });
  const timer = setTimeout(reject, patienceMs, late);
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const look = (): void => {
    if (stream.credit > 0) sink.ready().then(resolve, reject);
  };
  stream.wake = look;
  look();
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    stream.wake = () => {};
  }
}

const isReadyNow = (sink: Sink): Promise<boolean> =>
  Promise.race([
    sink.ready().then(() => true),
    Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => false),
  ]);

/** A permission that was withdrawn ends what is on its way. */
function judge(parts: Parts, question: Question): void {
  const decision = authorize(parts, question);
  if (decision.permit) return;
  const [{ verdict, resource }] = decision.denied;
  const { reason, scope, message, next } = verdict;
  throw new CallError("PERMISSION_DENIED", message, {
    details: { scope, reason, resource: toUri(resource), smallestScope: null, next },
  });
}
