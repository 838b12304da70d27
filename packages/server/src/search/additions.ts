import { hash } from "node:crypto";
import type { FileStamp, TextIndex } from "../stores/store.ts";
import { addedSource } from "./document-id.ts";
import { prepare } from "./prepare.ts";
import { createSegmentBuilder } from "./segment/builder.ts";

/** A text to be found under a URL, which need not lead anywhere. */
export interface Addition {
  /** As `toAddedUrl` gives it. */
  readonly url: string;
  readonly text: string;
  readonly title?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** When it was last changed, in milliseconds since 1970. */
  readonly time: number;
}

/** Takes nothing: for a list of the tools that are there. */
export const noAdditions = {
  add: async () => {},
  remove: async () => false,
  addChat: async () => ({ added: 0, changed: 0, known: 0, full: false }),
};

const titleOf = (url: string): string => new URL(url).pathname.split("/").filter(Boolean).at(-1) ?? new URL(url).host;

/** Puts a text into the index, in the place of what was under its URL. */
export async function add(index: TextIndex, { url, text, title, tags, time }: Addition): Promise<void> {
  const bytes = Buffer.from(text);
  const key = { source: addedSource, path: url };
  const stamp: FileStamp = { size: bytes.length, mtimeNs: BigInt(Math.round(time)) * 1_000_000n, ino: 0n };
  const builder = createSegmentBuilder();
  const prepared = prepare(
    {
      part: "",
      title: title || titleOf(url),
      text: bytes,
      kind: "markdown",
      sections: [],
      time,
      ...(tags && { tags }),
    },
    { path: url, bytes, sha256: hash("sha256", bytes), stamp },
  );
  const { number, about, text: words } = builder.add(prepared.text);
  await index.apply(
    [
      { kind: "add", key, documents: [{ ...prepared.document, number, about, words }] },
      { kind: "done", key, stamp, sha256: hash("sha256", bytes), parts: new Set([""]) },
    ],
    builder.take(),
  );
}

/** Takes a text out of the index; false when there is none under the URL. */
export async function remove(index: TextIndex, url: string): Promise<boolean> {
  const key = { source: addedSource, path: url };
  if (!index.document(key)) return false;
  await index.apply([{ kind: "remove", key }], createSegmentBuilder().take());
  return true;
}
