import type { NoteFacts } from "./vault-index.ts";

/** The most that backlinks may add to a score, as a share of it. */
const most = 0.1;
/** With so many, half of that is added. */
const usual = 8;

/**
 * The factor for a document's score, from 1 to 1.1: what is linked to often is likelier to be what is meant, but never beats a clearly better
 * match. Count only the backlinks that the caller may see, or scores would tell of the others.
 */
export const linkBoost = (backlinks: number): number =>
  backlinks > 0 ? 1 + (most * Math.min(backlinks, 1e6)) / (Math.min(backlinks, 1e6) + usual) : 1;

/** Names of a note beyond the first so many would drown its title. */
const mostNames = 32;

/** What is to be matched like a note's title, beside the title itself: its aliases and the levels of its tags. */
export function titlesBeside({
  title,
  aliases,
  tags,
}: Pick<NoteFacts, "title" | "aliases" | "tags">): readonly string[] {
  const levels = tags.slice(0, mostNames).flatMap((tag) => tag.split("/"));
  const names = new Set([...aliases.slice(0, mostNames), ...levels]);
  names.delete(title);
  return [...names];
}
