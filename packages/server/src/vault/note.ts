/** A link of a note to another file of its vault. Offsets are in UTF-16 units of the note's text. */
export interface NoteLink {
  /**
   * What it links to, without heading and block, as `resolve` of a vault's view takes it: a wikilink's target as written, a Markdown link's
   * decoded path, which begins with `./`, `../` or `/`. Empty when the link is to its own note.
   */
  readonly target: string;
  /** Target with heading or block, as it stands in the text. */
  readonly written: string;
  /** Behind `#`: nested ones are joined by `#`. */
  readonly heading?: string;
  /** Behind `#^`. */
  readonly block?: string;
  /** What a reader sees in its place. */
  readonly shown?: string;
  /** `![[…]]` and `![…](…)`: shown where it stands. */
  readonly embed: boolean;
  readonly start: number;
  readonly end: number;
}

export interface Heading {
  /** 1 to 6. */
  readonly level: number;
  /** As it stands in the text, without its marks. */
  readonly text: string;
  /** Where its line begins. */
  readonly start: number;
}

/** A block with a name of its own: `^id` at its end. */
export interface Block {
  readonly id: string;
  /** Where the `^` stands. */
  readonly start: number;
}

/** A note as Obsidian understands it. All lists are in the order of the text and bounded (`bounds`). */
export interface Note {
  /** Its frontmatter's, else its first heading. */
  readonly title?: string;
  /** Without `#`, in lower case, each once; nested ones with `/`. */
  readonly tags: readonly string[];
  readonly aliases: readonly string[];
  readonly links: readonly NoteLink[];
  /** Plain JSON values; empty when there is none or it cannot be read. */
  readonly frontmatter: Readonly<Record<string, unknown>>;
  /** Why the frontmatter could not be read. */
  readonly problem?: string;
  readonly headings: readonly Heading[];
  readonly blocks: readonly Block[];
  /** When it was last changed as its frontmatter says, in milliseconds since 1970. */
  readonly time?: number;
}

/** The most that is read of one note; what is beyond is left out. Lengths are in UTF-16 units. */
export const bounds = {
  text: 1_048_576,
  frontmatter: 16_384,
  tags: 1_000,
  tagLength: 200,
  aliases: 200,
  nameLength: 500,
  links: 10_000,
  headings: 5_000,
  blocks: 5_000,
} as const;
