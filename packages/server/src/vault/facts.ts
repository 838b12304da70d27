import type { Note } from "./note.ts";
import type { NoteFacts } from "./vault-index.ts";

/** What is kept of a note; `title` is for one that has none of its own. */
export const toFacts = (note: Note, title: string): NoteFacts => ({
  title: note.title ?? title,
  tags: note.tags,
  aliases: note.aliases,
  links: targetsOf(note),
});

/** What a note links to, each target once. */
export const targetsOf = ({ links }: Note): readonly string[] => [
  ...new Set(links.map(({ target }) => target).filter((target) => target !== "")),
];
