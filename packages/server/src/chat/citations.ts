import type { Citation } from "@portcullis/contracts";
import type { NumberedCitation } from "./chat-events.ts";

/** The citations of a conversation, each with one number for as long as it lasts. */
export interface Citations {
  /** Numbers the citations of an answer; the same span has the same number again. */
  add(citations: readonly Citation[], result: unknown): readonly NumberedCitation[];
  find(number: number): NumberedCitation | undefined;
  list(): readonly NumberedCitation[];
}

/** More of them than anyone opens; what comes later has no number. */
const most = 1_000;

export function createCitations(): Citations {
  const known = new Map<string, NumberedCitation>();
  return {
    add(citations, result) {
      const titles = titlesOf(result);
      return citations.flatMap((citation) => {
        const { id, uri, start, end, sha256 } = citation;
        const key = JSON.stringify([id, uri, start, end, sha256]);
        const found = known.get(key);
        if (found) return found;
        if (known.size >= most) return [];
        const title = titles.get(id);
        const numbered = { ...citation, number: known.size + 1, ...(title !== undefined && { title }) };
        known.set(key, numbered);
        return numbered;
      });
    },
    find: (number) => [...known.values()][number - 1],
    list: () => [...known.values()],
  };
}

/** What the documents of an answer are called, by their ids. */
function titlesOf(result: unknown): ReadonlyMap<string, string> {
  const { results, chunks, id, title } = (result ?? {}) as Readonly<Record<string, unknown>>;
  const items: readonly unknown[] = Array.isArray(results) ? results : Array.isArray(chunks) ? chunks : [{ id, title }];
  return new Map(
    items.flatMap((item): [string, string][] => {
      const named = (item ?? {}) as Readonly<Record<string, unknown>>;
      return typeof named.id === "string" && typeof named.title === "string" ? [[named.id, named.title]] : [];
    }),
  );
}
