import type { Resource } from "@portcullis/contracts";
import { type Place, toCanonicalPath } from "../../files/canonical-path.ts";
import { refusePath } from "../../files/refusals.ts";
import { isWithin } from "../../files/roots.ts";
import type { Repository } from "./find-repository.ts";

export interface Asked {
  /** The folder that was asked for: a canonical path. */
  readonly folder: string;
  /** Relative to it; one "" for all of it. */
  readonly paths: readonly string[];
}

/** What a call names, without a look at the disk. Throws `PERMISSION_DENIED` for a path that leaves the folder. */
export function resolveAsked(
  place: Place,
  { repository = ".", paths = ["."] }: { readonly repository?: string; readonly paths?: readonly string[] },
): Asked {
  const folder = toCanonicalPath(repository, place);
  const inFolder: Place = { ...place, folders: [{ name: "", path: folder }] };
  return {
    folder,
    paths: paths.map((asked) => {
      const path = toCanonicalPath(asked, inFolder);
      if (!isWithin(path, folder)) {
        throw refusePath({
          reason: "outside",
          message: `${path} does not lie in ${folder}.`,
          next: "Give paths relative to the repository's folder.",
          path,
        });
      }
      return path === folder ? "" : path.slice(folder === "/" ? 1 : folder.length + 1);
    }),
  };
}

/** A history's parts, judged one by one as they are given out. */
export const toCollections = ({ folder, paths }: Asked): readonly Resource[] =>
  paths.map((path) => ({ kind: "git", repository: folder, path, collection: true }));

/** Relative to the repository's top. */
export const fromTop = ({ below }: Pick<Repository, "below">, path: string): string =>
  [below, path].filter(Boolean).join("/");

/** What limits a run of git to the folder and paths asked for; none for all of the repository. */
export function toPathspecs(repository: Repository, paths: readonly string[]): readonly string[] {
  const specs = paths.map((path) => fromTop(repository, path));
  if (specs.includes("")) return [];
  // Git compares bytes, and a name may have been committed in either normal form.
  return [...new Set(specs.flatMap((spec) => [spec, spec.normalize("NFD")]))];
}
