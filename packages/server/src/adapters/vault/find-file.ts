import { CallError } from "@portcullis/contracts";
import { fromDocumentId, toDocumentId } from "../../search/document-id.ts";
import type { Steps } from "../../vault/steps.ts";
import type { VaultFile } from "../../vault/vault-index.ts";
import type { Sight } from "./sight.ts";

export interface Place {
  readonly sight: Sight;
  readonly file: VaultFile;
}

export const idOf = ({ folder }: Sight, { path }: VaultFile): string => toDocumentId(folder.name, path);

/** What a file is called: a note's title, else the file's name. */
export const titleOf = ({ title, path }: VaultFile): string => title || path.slice(path.lastIndexOf("/") + 1);

/** The refusal for a name that no file has that the caller may see, whatever else there is. */
export const unknownNote = (name: string): CallError =>
  new CallError("NOT_FOUND", `There is no note ${JSON.stringify(name.slice(0, 200))}.`, {
    details: { note: name.slice(0, 200), next: "Look for it with `search`, and use the id of a result." },
  });

const mostCandidates = 20;

function ambiguous(name: string, places: readonly Place[]): CallError {
  const candidates = places
    .slice(0, mostCandidates)
    .map(({ sight, file }) => ({ id: idOf(sight, file), title: titleOf(file) }));
  return new CallError("VALIDATION_ERROR", `${places.length} notes are called ${JSON.stringify(name.slice(0, 200))}.`, {
    details: {
      note: name.slice(0, 200),
      reason: "ambiguous",
      candidates,
      next: "Use the id of the one that is meant.",
    },
  });
}

/**
 * The file that a caller means, among those that they may see: by its id, else by its path, its file name, its title or an alias. A name that
 * several have is refused with these.
 */
export function* findFile(sights: readonly Sight[], name: string, wanted: "note" | "file"): Steps<Place> {
  const fits = (file: VaultFile | undefined): file is VaultFile =>
    file !== undefined && (file.note || wanted === "file");
  const slash = name.indexOf("/");
  const at = fromDocumentId(name) ?? { folder: name.slice(0, Math.max(0, slash)), path: name.slice(slash + 1) };
  const sight = sights.find(({ folder }) => folder.name === at.folder);
  const spelt = sight && (yield* sight.view.resolve(`/${at.path}`));
  if (sight && fits(spelt)) return { sight, file: spelt };

  const found = { exact: [] as Place[], name: [] as Place[], title: [] as Place[] };
  for (const each of sights) {
    const { exact, byName, files } = yield* each.view.find(name);
    if (fits(exact)) found.exact.push({ sight: each, file: exact });
    for (const file of files) if (fits(file)) found[byName ? "name" : "title"].push({ sight: each, file });
  }
  const places = [found.exact, found.name, found.title].find(({ length }) => length > 0) ?? [];
  const [first] = places;
  if (!first) throw unknownNote(name);
  if (places.length > 1) throw ambiguous(name, places);
  return first;
}
