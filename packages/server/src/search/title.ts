import type { TextKind } from "./text-kind.ts";

const longest = 200;

/** The title of a document: its frontmatter's, else its first heading, else the file's name (a note's without its extension). */
export function titleOf(text: string, kind: TextKind, path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const byName = kind === "markdown" ? name.replace(/\.[^.]+$/, "") : name;
  const found = kind === "markdown" ? fromMarkdown(text.slice(0, 20_000)) : undefined;
  return clean(found ?? "") || clean(byName) || name;
}

function fromMarkdown(text: string): string | undefined {
  const lines = text.split(/\r?\n/);
  let at = 0;
  if (/^---\s*$/.test(lines[0] ?? "")) {
    const end = lines.findIndex((line, index) => index > 0 && /^(---|\.\.\.)\s*$/.test(line));
    if (end > 0) {
      const titled = lines.slice(1, end).find((line) => /^title:\s*\S/i.test(line));
      const title = titled && unquote(titled.slice(titled.indexOf(":") + 1).trim());
      if (title) return title;
      at = end + 1;
    }
  }
  let fence: string | undefined;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (line.trimStart().startsWith(fence)) fence = undefined;
    } else if (mark !== undefined) fence = mark;
    else {
      const heading = /^ {0,3}#{1,6}\s+(.*)$/.exec(line)?.[1] ?? (isUnderline(lines[at + 1]) ? line : undefined);
      const plain = heading === undefined ? "" : withoutMarkup(heading);
      if (plain !== "") return plain;
    }
  }
  return undefined;
}

const isUnderline = (line: string | undefined): boolean => line !== undefined && /^ {0,3}={2,}\s*$/.test(line);

const unquote = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value.replace(/\s+#.*$/, "");

const withoutMarkup = (heading: string): string =>
  heading
    .replace(/\s#+\s*$/, "")
    .replace(/!?\[\[(?:[^\]|]*\|)?([^\]|]*)\]\]/g, "$1")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*_`]{1,3}(\S(?:.*?\S)?)[*_`]{1,3}/g, "$1")
    .trim();

// Control, direction and zero-width characters could make a title pass for another.
const clean = (title: string): string =>
  [...title.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim()].slice(0, longest).join("");
