import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { type Hop, refuse, refuseSize } from "./refusal.ts";

export interface Reading {
  readonly hop: Hop;
  /** The value of the Content-Encoding header. */
  readonly encoding: string | undefined;
  /** The most bytes to take, counted both as they arrive and as they are unpacked. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** The content codings that are asked for and can be read. */
export const acceptEncoding = "gzip, deflate, br";

/** Reads and unpacks a whole body; stops with `TOO_LARGE` at the first byte over the cap, so that a small archive cannot fill memory. */
export async function readBody(body: Readable, reading: Reading): Promise<Uint8Array> {
  const decoder = await toDecoder(body, reading);
  if (!decoder) return readPlain(body, reading);
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) chunks.push(chunk);
  };
  const { signal } = reading;
  await pipeline(decoder.source, meter(reading), decoder.unpack, meter(reading), collect, { signal });
  return Buffer.concat(chunks);
}

/** The request's own signal ends the body too, so it needs none here. */
async function readPlain(body: Readable, { hop, maxBytes }: Reading): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let seen = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    seen += chunk.length;
    if (seen > maxBytes) throw refuseSize(hop, maxBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}

interface Decoder {
  readonly source: Readable;
  readonly unpack: Transform;
}

async function toDecoder(body: Readable, { encoding = "identity", hop }: Reading): Promise<Decoder | undefined> {
  switch (encoding.trim().toLowerCase()) {
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return { source: body, unpack: createGunzip() };
    case "br":
      return { source: body, unpack: createBrotliDecompress() };
    case "deflate":
      return inflate(body);
  }
  // Also what is packed more than once: each layer multiplies what one byte can unpack to.
  throw refuse("UPSTREAM", `${hop.url.host} packs its answer in a way that was not asked for.`, {
    hop,
    reason: "encoding",
    next: "Use another source.",
  });
}

/** «deflate» should be zlib's format (RFC 9110, 8.4.1.2), but servers send the bare stream too: the first byte tells. */
async function inflate(body: Readable): Promise<Decoder> {
  const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return { source: Readable.from([]), unpack: new PassThrough() };
  const wrapped = ((first.value[0] ?? 0) & 0x0f) === 8;
  const source = Readable.from(
    (async function* () {
      yield first.value;
      yield* { [Symbol.asyncIterator]: () => chunks };
    })(),
  );
  return { source, unpack: wrapped ? createInflate() : createInflateRaw() };
}

function meter({ hop, maxBytes }: Reading): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen <= maxBytes) return done(null, chunk);
      done(refuseSize(hop, maxBytes));
    },
  });
}
