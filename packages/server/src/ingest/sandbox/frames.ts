/** What goes over the pipe between the server and its reader: a head in JSON, and bytes. */
export interface Frame {
  readonly head: unknown;
  readonly body: Buffer;
}

/** In bytes. What is longer is none of ours. */
export const mostHead = 8 * 1024 * 1024;
export const mostBody = 80 * 1024 * 1024;

/** Chunks to write one after another; the body is not copied. */
export function toChunks(head: unknown, body: readonly Buffer[]): readonly Buffer[] {
  const json = Buffer.from(JSON.stringify(head));
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(json.length, 0);
  sizes.writeUInt32LE(
    body.reduce((sum, { length }) => sum + length, 0),
    4,
  );
  return [sizes, json, ...body];
}

/** Puts frames together from the chunks that arrive; returns false, and reads nothing more, for what can be no frame. */
export function createFrameReader(receive: (frame: Frame) => void): (chunk: Buffer) => boolean {
  let sizes = Buffer.alloc(0);
  let frame: { readonly bytes: Buffer; readonly headLength: number; filled: number } | undefined;
  let broken = false;

  const take = (chunk: Buffer): Buffer => {
    if (!frame) {
      const missing = 8 - sizes.length;
      sizes = Buffer.concat([sizes, chunk.subarray(0, missing)]);
      if (sizes.length < 8) return Buffer.alloc(0);
      const headLength = sizes.readUInt32LE(0);
      const bodyLength = sizes.readUInt32LE(4);
      if (headLength > mostHead || bodyLength > mostBody) throw new RangeError("A frame is too long.");
      frame = { bytes: Buffer.allocUnsafeSlow(headLength + bodyLength), headLength, filled: 0 };
      sizes = Buffer.alloc(0);
      return chunk.subarray(missing);
    }
    const piece = chunk.subarray(0, frame.bytes.length - frame.filled);
    frame.bytes.set(piece, frame.filled);
    frame.filled += piece.length;
    return chunk.subarray(piece.length);
  };

  return (chunk) => {
    try {
      let rest = chunk;
      while (!broken && (rest.length > 0 || frame?.filled === frame?.bytes.length)) {
        rest = take(rest);
        if (frame && frame.filled === frame.bytes.length) {
          const { bytes, headLength } = frame;
          frame = undefined;
          receive({ head: JSON.parse(bytes.toString("utf8", 0, headLength)), body: bytes.subarray(headLength) });
        }
        if (rest.length === 0 && !frame) break;
      }
    } catch {
      broken = true;
    }
    return !broken;
  };
}
