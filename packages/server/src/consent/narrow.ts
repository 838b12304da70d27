import { PatternError } from "../policy/fault.ts";
import { escapeGlob, type Segment } from "../policy/glob.ts";
import { compilePath, type Places } from "../policy/path-pattern.ts";
import { isUrl } from "../policy/url-pattern.ts";

const nowhere: Places = { home: "", served: [] };

/**
 * The owner's own pattern with its shorthand written out, when it opens nothing that the given patterns do not open; else undefined. Throws `PatternError` for
 * what is no pattern.
 */
export function narrow(text: string, within: readonly string[], places: Places): readonly string[] | undefined {
  if (within.includes(text)) return [text];
  if (isUrl(text)) return undefined;
  const written = writeOut(text, places);
  const narrower = written.every((pattern) => {
    const globs = compilePath(pattern, "allow", nowhere);
    return within.some(
      (outer) =>
        !isUrl(outer) && globs.every((glob) => compilePath(outer, "allow", nowhere).some((of) => lies(glob, of))),
    );
  });
  return narrower ? written : undefined;
}

/** Whether all that a glob matches is matched by another, which is a literal path or everything in a literal folder. */
function lies(glob: readonly Segment[], outer: readonly Segment[]): boolean {
  const open = outer.at(-1)?.kind === "globstar";
  const literals = open ? outer.slice(0, -1) : outer;
  if (glob.length < literals.length || (!open && glob.length !== literals.length)) return false;
  return literals.every((segment, index) => {
    const own = glob[index];
    return segment.kind === "literal" && own?.kind === "literal" && own.text === segment.text;
  });
}

/** `~/…`, `@NAME/…` and `@served/…` as the absolute paths that they stand for now. */
function writeOut(text: string, { home, served }: Places): readonly string[] {
  const slash = text.indexOf("/");
  const [head, rest] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash)];
  if (head === "~" && home !== "") return [`${escapeGlob(home)}${rest}`];
  if (!head.startsWith("@")) return [text];
  const named = served.filter(
    ({ name }) => head === "@served" || name.normalize("NFC") === head.slice(1).normalize("NFC"),
  );
  if (named.length === 0) throw new PatternError(`No served folder is named ${head.slice(1)}.`);
  return named.map(({ path }) => `${escapeGlob(path)}${rest}`);
}
