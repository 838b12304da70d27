import type { LineMatch, Sought } from "./grep-lines.ts";

/** A file that is open for reading: threads of one process share descriptors, so no path travels. */
export interface OpenFile {
  readonly fd: number;
  readonly size: number;
}

export interface GrepAsk {
  readonly sought: Sought;
  readonly files: readonly OpenFile[];
  /** The most matches in all these files together. */
  readonly most: number;
}

export type GrepFound =
  | { readonly kind: "matches"; readonly matches: readonly LineMatch[] }
  | { readonly kind: "binary" }
  | { readonly kind: "unreadable" };

/** What was found in each file, in their order; fewer when the matches were used up. `fault` tells what is wrong with the pattern. */
export interface GrepTold {
  readonly found: readonly GrepFound[];
  readonly fault?: string;
}
