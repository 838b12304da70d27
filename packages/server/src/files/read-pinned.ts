import { constants } from "node:fs";
import { type Engine, pooled } from "./engine.ts";
import type { Pinned } from "./pinned.ts";
import { notFound } from "./refusals.ts";
import { fileSafetyMode } from "./safety-mode.ts";

/** Up to here a read on a local disk runs on this thread; more goes through the thread pool, in pieces of this size. */
const pieceSize = 256 * 1024;

/** Refuses a link in any component of the path (macOS, open(2)). */
const O_NOFOLLOW_ANY = 0x20000000;

/** Never waiting for a pipe, never becoming a terminal's controller. Some systems lack some of these. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

interface Span {
  /** Bytes `[start, end)` of the file. */
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
}

/** The bytes of a span of a pinned file: fewer when the file has become shorter. */
export async function readPinned(pinned: Pinned, { start, end, signal }: Span): Promise<Buffer> {
  const length = Math.max(0, end - start);
  const engine = length <= pieceSize ? pinned.engine : pooled;
  const fd = await openPinned(pinned, engine);
  try {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      signal.throwIfAborted();
      const piece = bytes.subarray(filled, filled + pieceSize);
      const read = await engine.read(fd, piece, { length: piece.length, position: start + filled });
      if (read === 0) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  } finally {
    engine.close(fd);
  }
}

/** A descriptor to read a pinned file by, for the caller to close through the same engine. */
export async function openPinned(pinned: Pinned, engine: Engine): Promise<number> {
  const mode = fileSafetyMode();
  if (mode === "pinned") return engine.open(pinned.door, readFlags);
  const fd = await engine.open(
    pinned.door,
    readFlags | (mode === "no-follow" ? O_NOFOLLOW_ANY : (constants.O_NOFOLLOW ?? 0)),
  );
  const { ino, dev } = await engine.fstat(fd);
  if (ino === pinned.stat.ino && dev === pinned.stat.dev) return fd;
  engine.close(fd);
  throw notFound(pinned.real);
}
