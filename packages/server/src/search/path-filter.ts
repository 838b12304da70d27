/**
 * A filter on paths inside a folder. Without `*` and `?` it is a prefix by whole segments (`journal`, `projects/greenhouse/`); with them a
 * glob over the whole path: `*` and `?` stay inside a segment, `**` spans segments. Dotfiles are files. Linear in path times filter.
 */
export function toPathFilter(filter: string): (path: string) => boolean {
  const wanted = filter.normalize("NFC").replace(/^\/+|\/+$/g, "");
  if (wanted === "") return () => true;
  const segments = wanted.split("/");
  if (!/[*?]/.test(wanted)) segments.push("**");
  return (path) => matchesPath(segments, path.normalize("NFC").split("/"));
}

const matchesPath = (pattern: readonly string[], path: readonly string[]): boolean =>
  matches(pattern, path, { spans: (item) => item === "**", fits: (item, segment) => matchesSegment(item, segment) });

const matchesSegment = (pattern: string, segment: string): boolean =>
  matches([...pattern], [...segment], {
    spans: (item) => item === "*",
    fits: (item, character) => item === "?" || item === character,
  });

interface Meaning {
  spans(item: string): boolean;
  fits(item: string, value: string): boolean;
}

/** Wildcard matching with two pointers: after a mismatch only the latest spanning item has to be extended. */
function matches(pattern: readonly string[], values: readonly string[], { spans, fits }: Meaning): boolean {
  let at = 0;
  let span = -1;
  let spanned = 0;
  for (let index = 0; index < values.length; ) {
    const item = pattern[at];
    const value = values[index] ?? "";
    if (item !== undefined && spans(item)) {
      span = at++;
      spanned = index;
    } else if (item !== undefined && fits(item, value)) {
      at++;
      index++;
    } else if (span >= 0) {
      at = span + 1;
      index = ++spanned;
    } else return false;
  }
  return pattern.slice(at).every(spans);
}
