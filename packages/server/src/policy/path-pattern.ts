import { PatternError } from "./fault.ts";
import { parseGlob, type Segment, toGlob } from "./glob.ts";
import { nearest } from "./nearest.ts";

/** What the shorthands of patterns stand for. */
export interface Places {
  /** The home folder that `~` stands for: an absolute path. */
  readonly home: string;
  /** The served folders by their real, absolute paths, each under a unique name. */
  readonly served: readonly { readonly name: string; readonly path: string }[];
  /** Folders below which letter case does not count, as their file systems have it: absolute paths. */
  readonly caseless?: readonly string[];
}

/**
 * Compiles a pattern of paths into globs over the segments of absolute paths: one glob, or one for each served folder for `@served`. Allowed are
 * `/…`, `~/…`, `@served/…`, `@NAME/…`, and in a deny also `**` and `**` + `/…`. A deny whose last segment has no wildcard also covers what
 * lies below it, since whoever hides a folder means its content.
 */
export function compilePath(text: string, effect: "allow" | "deny", places: Places): readonly (readonly Segment[])[] {
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) throw new PatternError("A path has no control characters.");
  const { roots, rest } = split(text, effect, places);
  const below = rest === "" ? [] : rest.split("/");
  if (below.includes("")) {
    throw new PatternError(
      text.endsWith("/")
        ? "A pattern does not end in a slash: write /** for a folder with all below it."
        : "A pattern has no empty segment (//).",
    );
  }
  if (below.some((segment) => segment === "." || segment === ".."))
    throw new PatternError("A pattern has no . or .. segment: write the path that it leads to.");
  const segments = below.length === 0 ? [] : parseGlob(rest, "/");
  return roots.map((root) => {
    const glob = [...root, ...segments];
    const last = glob[glob.length - 1];
    const covers = effect === "deny" && (last === undefined || last.kind === "literal");
    return toGlob(covers ? [...glob, { kind: "globstar" }] : glob);
  });
}

function split(text: string, effect: "allow" | "deny", { home, served }: Places) {
  const slash = text.indexOf("/");
  const [head, rest] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  if (slash >= 0 && rest === "" && head !== "")
    throw new PatternError("A pattern does not end in a slash: write /** for a folder with all below it.");
  if (head === "" && slash === 0) return { roots: [[]], rest };
  if (head === "~") {
    if (!home.startsWith("/")) throw new PatternError("~ stands for no folder here, since no home folder is known.");
    return { roots: [toLiterals(home)], rest };
  }
  if (head.startsWith("~")) throw new PatternError("~ stands for the owner's home only: write the path.");
  if (head === "@served") return { roots: served.map(({ path }) => toLiterals(path)), rest };
  if (head.startsWith("@")) {
    const name = head.slice(1).normalize("NFC");
    const folder = served.find((candidate) => candidate.name.normalize("NFC") === name);
    if (folder) return { roots: [toLiterals(folder.path)], rest };
    const names = served.map((candidate) => `@${candidate.name}`);
    throw new PatternError(
      `No served folder is named ${name}${names.length > 0 ? ` (there are ${names.slice(0, 10).join(", ")})` : ""}.`,
      nearest(head, ["@served", ...names]),
    );
  }
  if (head === "**") {
    if (effect === "deny") return { roots: [[]], rest: text };
    throw new PatternError(
      "An allow has to begin at a place: /…, ~/…, @served/… or @NAME/…; /** is the whole machine.",
    );
  }
  if (/^file:/i.test(head)) throw new PatternError("Write a file's path, not its URL.");
  throw new PatternError(
    `${JSON.stringify(text)} begins nowhere: a pattern is a path (/…, ~/…, @served/…, @NAME/…) or an http(s) URL.`,
    /[:\\]|\.\.\//.test(text) ? undefined : `${effect === "deny" ? "**" : "@served"}/${text.replace(/^(\.\/)+/, "")}`,
  );
}

const toLiterals = (path: string): readonly Segment[] =>
  path
    .normalize("NFC")
    .split("/")
    .filter((segment) => segment !== "")
    .map((text) => ({ kind: "literal", text }));

/**
 * The segments of a canonical path, or undefined when it is not canonical: absolute, without empty, `.` or `..` segments, NUL or lone
 * surrogates. A path that has no canonical form cannot be judged.
 */
export function toPathSegments(path: string): readonly string[] | undefined {
  if (path === "/") return [];
  if (path.charCodeAt(0) !== 47 || path.includes("\u0000") || !path.isWellFormed()) return undefined;
  const segments = path.normalize("NFC").slice(1).split("/");
  for (const segment of segments) if (segment === "" || segment === "." || segment === "..") return undefined;
  return segments;
}
