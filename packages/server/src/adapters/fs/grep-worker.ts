import { readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { createLineSearch, type Sought } from "./grep-lines.ts";
import type { GrepAsk, GrepFound, GrepTold, OpenFile } from "./grep-messages.ts";

let known: { readonly key: string; readonly search: ReturnType<typeof createLineSearch> } | undefined;

function searchOf(sought: Sought): ReturnType<typeof createLineSearch> {
  const key = JSON.stringify(sought);
  if (known?.key !== key) known = { key, search: createLineSearch(sought) };
  return known.search;
}

/** Bytes in which a NUL tells that a file is no text. */
const head = 8_192;

function read({ fd, size }: OpenFile): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  while (filled < size) {
    const count = readSync(fd, bytes, filled, size - filled, filled);
    filled += count;
    if (count === 0 || (filled - count < head && bytes.subarray(0, Math.min(filled, head)).includes(0))) break;
  }
  return bytes.subarray(0, filled);
}

function look(file: OpenFile, search: ReturnType<typeof createLineSearch>, most: number): GrepFound {
  let bytes: Buffer;
  try {
    bytes = read(file);
  } catch {
    return { kind: "unreadable" };
  }
  return bytes.includes(0) ? { kind: "binary" } : { kind: "matches", matches: search(bytes, most) };
}

function answer({ sought, files, most }: GrepAsk): GrepTold {
  let search: ReturnType<typeof createLineSearch>;
  try {
    search = searchOf(sought);
  } catch (error) {
    return { found: [], fault: error instanceof Error ? error.message : "its syntax is wrong" };
  }
  const found: GrepFound[] = [];
  let left = most;
  for (const file of files) {
    if (left <= 0) break;
    const one = look(file, search, left);
    if (one.kind === "matches") left -= one.matches.length;
    found.push(one);
  }
  return { found };
}

parentPort?.on("message", (ask: GrepAsk) => parentPort?.postMessage(answer(ask)));
