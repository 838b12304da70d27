import { hash } from "node:crypto";
import { CallError, type Citation, type Resource, toUri } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { addedSource, locate, toPolicyPath, toResource, unknownDocument } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import { findSource } from "../search-source.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";

const closed = { additionalProperties: false } as const;
const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

const Input = Type.Object(
  {
    id: Type.String({ maxLength: 8_192, description: "The document's id, as search gave it." }),
    start: Type.Integer({ minimum: 0, description: "The passage's first byte, as its citation says." }),
    end: Type.Integer({ minimum: 1 }),
    sha256,
  },
  closed,
);

const Output = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    text: Type.String(),
    cite: Type.String({ description: "For `portcullis cite`; it names no path of this machine." }),
    url: Type.String(),
  },
  closed,
);

/** Where what is offered goes: to whoever runs the page, from the moment that it stands in the composer. */
const page: Resource = { kind: "url", href: "https://chatgpt.com/", method: "POST" };

/**
 * `chat.offer`: gives out one passage that a search has cited, for the composer of chatgpt.com. It is a way out, named so in policy and audit: the
 * passage counts as sent to that site, whether or not the owner then sends their message.
 */
export function createChatOfferTool(options: IndexAdapterOptions): Tool<Static<typeof Input>, Static<typeof Output>> {
  const { index, folders, permalink, read, look, sources = [] } = options;
  const cited = new WeakMap<Static<typeof Output>, Citation>();
  return {
    name: "chat.offer",
    title: "Offer a passage to chatgpt.com",
    summary: "Gives one cited passage out for the composer of chatgpt.com, with its citation.",
    safety: "Counts as sending the passage to chatgpt.com; refused when the passage is not what was cited any more.",
    effect: "send",
    labels: { egress: true },
    offers: true,
    input: Input,
    output: Output,
    touches({ id }) {
      if (findSource(sources, id)) throw unknownDocument(id);
      return [toResource(locate(folders, id)), page];
    },
    async run({ id, start, end, sha256: wanted }, { permit, signal }) {
      const place = locate(folders, id);
      const document = index.document(place, place.part);
      if (!document) throw unknownDocument(id);
      // A text that was made from the file is the index's own; whether the file may be read is asked of the file all the same.
      const made = document.derived ? index.text(document.id) : undefined;
      const path = toPolicyPath(place);
      if (made && place.source !== addedSource) await look(path, permit);
      const bytes = made ? Buffer.from(made) : (await read(path, permit, signal)).bytes;
      const passage = bytes.subarray(start, end);
      const isCited = end > start && passage.length === end - start && hash("sha256", passage) === wanted;
      const shown = isCited ? passageText(document, { start, end, wanted }) : undefined;
      if (shown === undefined)
        throw new CallError("NOT_FOUND", "The passage is not what was cited any more.", {
          details: { id, next: "Search again, and offer what is found now." },
        });
      if (Buffer.byteLength(shown) > permit.maxBytes)
        throw new CallError("TOO_LARGE", `The passage has more than the ${permit.maxBytes} bytes that may leave.`, {
          details: { limit: permit.maxBytes, next: "Choose a shorter passage." },
        });
      const output = {
        id,
        title: document.title,
        text: shown,
        cite: `${id}#bytes=${start}-${end}`,
        url: permalink(id),
      };
      const uri =
        place.source === addedSource ? place.path : toUri({ kind: "path", path: `${place.source}/${place.path}` });
      cited.set(output, { id, uri, start, end, sha256: wanted, stale: false });
      return output;
    },
    citations: (output) => [cited.get(output)].filter((one) => one !== undefined),
  };

  /** The passage as the index shows it, whose letters may be mended where the file's are not; only what was indexed is a passage. */
  function passageText(
    { id, passages }: { readonly id: number; readonly passages: number },
    { start, end, wanted }: { readonly start: number; readonly end: number; readonly wanted: string },
  ): string | undefined {
    for (let place = 0; place < passages; place++) {
      const passage = index.passage(id, place);
      if (passage?.start === start && passage.end === end && passage.sha256 === wanted) return passage.text;
    }
    return undefined;
  }
}
