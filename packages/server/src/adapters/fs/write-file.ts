import { CallError, toUri } from "@portcullis/contracts";
import { detoursOf, toCanonicalPath } from "../../files/canonical-path.ts";
import { pin } from "../../files/pin.ts";
import { replaceFile } from "../../files/replace-file.ts";
import type { Versions } from "../../files/versions.ts";
import type { Tool, Use } from "../adapter.ts";
import { WriteFileInput, WriteFileOutput } from "./schemas.ts";
import type { FileSource } from "./source.ts";
import { createTurnstile } from "./turnstile.ts";

export interface WriteOptions {
  readonly versions: Pick<Versions, "keep">;
  /** The largest file that is written or replaced. */
  readonly bytes: number;
  /** Real paths at and below which nothing is written. */
  closed(): readonly string[];
}

/** `fs.writeFile`: one whole file in the place of another, whose old version is kept, or of nothing. */
export function createWriteFile(source: FileSource, options: WriteOptions): Tool<WriteFileInput, WriteFileOutput> {
  const oneAtATime = createTurnstile();
  return {
    name: "fs.writeFile",
    title: "Write a file",
    summary: "Writes one whole file, new or in the place of another; the old version is kept and can be restored.",
    safety:
      "Writes only where a policy names this tool exactly, inside the served folders, through no link; replaces in one step or not at all.",
    effect: "write",
    labels: {},
    input: WriteFileInput,
    output: WriteFileOutput,
    touches: ({ path }) => [{ kind: "path", path: toCanonicalPath(path, source.place) }],
    run: (input, use) => oneAtATime(use.signal, () => writeFile(source, options, { input, use })),
  };
}

async function writeFile(
  source: FileSource,
  { versions, bytes: most, closed }: WriteOptions,
  { input, use: { permit, signal } }: { readonly input: WriteFileInput; readonly use: Use },
): Promise<WriteFileOutput> {
  const path = toCanonicalPath(input.path, source.place);
  const content = toBytes(path, input);
  if (content.length > most) {
    throw new CallError("TOO_LARGE", `${content.length} bytes are more than one file may be given (${most}).`, {
      details: { path, reason: "size", size: content.length, limit: most, next: "Write less, or several files." },
    });
  }
  for (const detour of detoursOf(input.path, source.place)) await checkDetour(source, detour);
  const { created, version, sha256 } = await replaceFile({
    path,
    content,
    roots: source.roots,
    versions,
    closed: closed(),
    most,
    signal,
    hardlinks: permit.hardlinks,
    mustBeNew: input.mustBeNew ?? false,
    ifMatch: input.ifMatch,
    allows: (real) => permit.allows({ kind: "path", path: real }),
    look: (old) => checkMasks(path, old, content),
  });
  return {
    path,
    uri: toUri({ kind: "path", path }),
    created,
    size: content.length,
    sha256,
    ...(version !== undefined && { version }),
  };
}

/** A path is read without the disk, where `link/..` is no way anywhere. Who writes may have meant where the link leads: that is refused. */
async function checkDetour({ roots }: FileSource, path: string): Promise<void> {
  try {
    (await pin({ path, wanted: "folder", roots, allows: () => false })).close();
  } catch (error) {
    if (!(error instanceof CallError && error.code === "NOT_FOUND")) throw error;
  }
}

function toBytes(path: string, { content, encoding = "utf8" }: WriteFileInput): Buffer {
  if (encoding === "base64") {
    const bytes = Buffer.from(content, "base64");
    if (bytes.toString("base64").replace(/=+$/, "") === content.replace(/=+$/, "")) return bytes;
    throw new CallError("VALIDATION_ERROR", "The content is not base64.", {
      details: { path, reason: "base64", next: "Encode it anew, without line breaks, or send text as utf8." },
    });
  }
  if (content.isWellFormed()) return Buffer.from(content, "utf8");
  throw new CallError("VALIDATION_ERROR", "The content holds half of a surrogate pair: it is not text.", {
    details: { path, reason: "surrogate", next: "Send bytes that are no text as base64." },
  });
}

const mask = "[redacted:";

/** Who reads a file with a masked secret and writes it back would overwrite the secret with its mask. */
function checkMasks(path: string, old: Buffer, content: Buffer): void {
  if (count(content, mask) <= count(old, mask)) return;
  throw new CallError(
    "VALIDATION_ERROR",
    `Nothing was written: the content holds masks (${mask}…]) in the place of secrets that ${path} holds, and would destroy them.`,
    {
      details: { path, reason: "masked", next: "Tell the user what to change: a masked text cannot be written back." },
    },
  );
}

function count(bytes: Buffer, text: string): number {
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) found++;
  return found;
}
