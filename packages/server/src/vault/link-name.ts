/** File names and titles are the same when they fold to the same: Obsidian tells no cases apart. */
export const fold = (name: string): string => name.normalize("NFC").toLowerCase();

const noteExtension = /\.(?:md|markdown|mdx)$/;

/** Whether a file of this name is a note; any other file of a vault is an attachment. */
export const isNotePath = (path: string): boolean => noteExtension.test(path.toLowerCase());

/** A folded path or target without a note's extension. */
export const stemOf = (path: string): string => fold(path).replace(noteExtension, "");

/**
 * What files and the links to them are looked up by: the folded last segment, without a note's extension. A path and each target that can
 * mean it by its file name have the same.
 */
export const nameOf = (path: string): string => stemOf(path.slice(path.lastIndexOf("/") + 1));

/** The folder that a path lies in, "" at the top. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** A relative target from a folder; undefined when it climbs out of the vault. */
export function join(folder: string, target: string): string | undefined {
  const segments = folder === "" ? [] : folder.split("/");
  for (const segment of target.split("/")) {
    if (segment === "..") {
      if (segments.pop() === undefined) return undefined;
    } else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return segments.join("/");
}
