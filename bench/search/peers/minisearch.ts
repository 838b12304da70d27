import { stemmer as english } from "@orama/stemmers/english";
import { stemmer as german } from "@orama/stemmers/german";
import MiniSearch from "minisearch";
import type { Document } from "../collection.ts";

/** MiniSearch as a program would use it that cares: stemmed, the title as a field of its own. Answers the ids of the best ten. */
export function createMiniSearch(
  documents: readonly Document[],
  language: "english" | "german",
): (query: string) => readonly string[] {
  const stem = language === "german" ? german : english;
  const search = new MiniSearch<Document>({
    fields: ["title", "text"],
    processTerm: (term) => stem(term.toLowerCase()) || null,
  });
  search.addAll(documents);
  return (query) =>
    search
      .search(query)
      .slice(0, 10)
      .map(({ id }) => String(id));
}
