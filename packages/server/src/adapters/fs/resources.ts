import { CallError, type Resource, toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { pooled } from "../../files/engine.ts";
import { pin } from "../../files/pin.ts";
import type { Pinned } from "../../files/pinned.ts";
import { openPinned } from "../../files/read-pinned.ts";
import { unreadable } from "../../files/refusals.ts";
import type { OpenResource, Permit, ResourceKind } from "../adapter.ts";
import { listFiles } from "./list-files.ts";
import { mimeTypeOf } from "./mime-types.ts";
import type { FileSource } from "./source.ts";

/** Files as resources: `file:///…`, read by whom `fs.readFile` is allowed to. */
export const createFileResources = (source: FileSource): ResourceKind => ({
  scheme: "file:",
  tool: "fs.readFile",
  root: { kind: "path", path: "/", collection: true },
  templates: () => [
    {
      uriTemplate: "file:///{+path}",
      name: "File",
      description: "A file that policy allows, by its absolute path.",
    },
  ],
  touches: (uri) => [toResource(toPath(source, uri))],
  open: (uri, permit) => open(source, toPath(source, uri), permit),
  list: (cursor, use) => listFiles(source, cursor, use),
});

const toResource = (path: string): Resource => ({ kind: "path", path });

/** The canonical path of a file's URI (RFC 8089): no other host, nothing behind the path. */
function toPath({ place }: FileSource, uri: string): string {
  const found = /^file:\/\/(?:localhost)?(\/[^?#]*)$/i.exec(uri);
  if (found?.[1] === undefined) throw malformed(uri);
  let path: string;
  try {
    path = decodeURIComponent(found[1]);
  } catch {
    throw malformed(uri);
  }
  const canonical = toCanonicalPath(path, place);
  // `..` and doubled slashes are letters of no canonical URI: what is subscribed to and what is read must be one and the same.
  if (toUri(toResource(canonical)) !== toUri(toResource(path.normalize("NFC")))) throw malformed(uri);
  return canonical;
}

const malformed = (uri: string): CallError =>
  new CallError("VALIDATION_ERROR", `${JSON.stringify(uri.slice(0, 200))} is no file's URI.`, {
    details: {
      at: "uri",
      next: "Write it as file:///absolute/path, percent-encoded, without host, query and fragment.",
    },
  });

async function open(source: FileSource, path: string, permit: Permit): Promise<OpenResource> {
  const pinned = await pin({
    path,
    wanted: "file",
    roots: source.roots,
    hardlinks: permit.hardlinks,
    allows: (real) => permit.allows(toResource(real)),
  });
  return {
    mimeType: mimeTypeOf(path),
    size: pinned.stat.size,
    read: ({ start, end }, signal) => read(pinned, { start, end, signal, path }),
    close: () => pinned.close(),
  };
}

const pieceSize = 128 * 1024;

interface Reading {
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
  readonly path: string;
}

/** Reads through the pool, one piece in memory at a time: a large file or a slow disk holds up nobody. */
async function* read(pinned: Pinned, { start, end, signal, path }: Reading): AsyncGenerator<Buffer> {
  if (start >= end) return;
  const fd = await openPinned(pinned, pooled);
  try {
    for (let at = start; at < end; ) {
      signal.throwIfAborted();
      const piece = Buffer.allocUnsafe(Math.min(pieceSize, end - at));
      const count = await pooled.read(fd, piece, { length: piece.length, position: at });
      if (count === 0) return;
      at += count;
      yield piece.subarray(0, count);
    }
  } catch (error) {
    throw error instanceof Error && "syscall" in error ? unreadable(path, error) : error;
  } finally {
    pooled.close(fd);
  }
}
