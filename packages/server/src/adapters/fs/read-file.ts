import { isUtf8 } from "node:buffer";
import { CallError, toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { pin } from "../../files/pin.ts";
import { readPinned } from "../../files/read-pinned.ts";
import { unreadable } from "../../files/refusals.ts";
import type { Tool, Use } from "../adapter.ts";
import { ReadFileInput, ReadFileOutput } from "./schemas.ts";
import type { FileSource } from "./source.ts";
import { toTextSpan } from "./text-span.ts";

/** `fs.readFile`: one file or a part of it, as text or base64. */
export const createReadFile = (source: FileSource): Tool<ReadFileInput, ReadFileOutput> => ({
  name: "fs.readFile",
  title: "Read a file",
  summary: "Reads one file, or a range of its bytes, as text or base64.",
  safety: "Reads only what policy allows; follows no link out of it; changes nothing.",
  batch: "one search finds the passages that matter, one fs.list what there is to read",
  effect: "read",
  labels: {},
  input: ReadFileInput,
  output: ReadFileOutput,
  touches: ({ path }) => [{ kind: "path", path: toCanonicalPath(path, source.place) }],
  run: (input, use) => readFile(source, input, use),
});

async function readFile(
  source: FileSource,
  { path: asked, encoding = "utf8", range }: ReadFileInput,
  { permit, signal }: Use,
): Promise<ReadFileOutput> {
  const path = toCanonicalPath(asked, source.place);
  const pinned = await pin({
    path,
    wanted: "file",
    roots: source.roots,
    hardlinks: permit.hardlinks,
    allows: (real) => permit.allows({ kind: "path", path: real }),
  });
  try {
    const { size, mtime } = pinned.stat;
    const { start, end } = toSpan(path, size, range);
    const limit = encoding === "utf8" ? permit.maxBytes : Math.floor(permit.maxBytes / 4) * 3;
    if (end - start > limit) throw tooLarge(path, { size, asked: end - start, limit });
    const answer = { path, uri: toUri({ kind: "path", path }), encoding, size, mtime: mtime.toISOString() };
    if (encoding === "base64") {
      const bytes = await readPinned(pinned, { start, end, signal });
      return {
        ...answer,
        content: bytes.toString("base64"),
        ...(range && { range: { start, end: start + bytes.length } }),
      };
    }
    if (!range) {
      const bytes = await readPinned(pinned, { start, end, signal });
      if (!isUtf8(bytes)) throw notText(path);
      return { ...answer, content: bytes.toString("utf8") };
    }
    // Three bytes on either side show where a character that straddles a border begins and ends.
    const from = Math.max(0, start - 3);
    const around = await readPinned(pinned, { start: from, end: Math.min(size, end + 3), signal });
    const text = toTextSpan(around, { start: start - from, end: end - from });
    if (!text) throw notText(path);
    return { ...answer, content: text.content, range: { start: from + text.start, end: from + text.end } };
  } catch (error) {
    throw error instanceof Error && "syscall" in error ? unreadable(path, error) : error;
  } finally {
    pinned.close();
  }
}

function toSpan(path: string, size: number, range: ReadFileInput["range"]): { start: number; end: number } {
  if (!range) return { start: 0, end: size };
  const { start, end } = range;
  if (start <= end && start <= size) return { start, end: Math.min(end, size) };
  throw new CallError(
    "VALIDATION_ERROR",
    `The range [${start}, ${end}) does not lie in ${path}, which has ${size} bytes.`,
    {
      details: { path, reason: "range", size, next: "Ask for 0 <= start <= end, and start no greater than the size." },
    },
  );
}

const tooLarge = (path: string, { size, asked, limit }: { size: number; asked: number; limit: number }): CallError =>
  new CallError("TOO_LARGE", `${asked} bytes of ${path} are more than one answer may hold (${limit}).`, {
    details: {
      path,
      reason: "size",
      size,
      limit,
      next: `Read it in parts: {"range":{"start":0,"end":${limit}}}, then on from the end that the answer tells.`,
    },
  });

const notText = (path: string): CallError =>
  new CallError("VALIDATION_ERROR", `${path} is not text in UTF-8, and turning it into text would change it.`, {
    details: { path, reason: "not_utf8", next: 'Ask for it with "encoding":"base64".' },
  });
