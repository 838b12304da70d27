/** A piece of a document's text that is cited by a name of its own: a page, a chapter, a cell, a message. */
export interface Section {
  /** First byte in the document's text; a section ends where the next begins. Passages never cross a section's border. */
  readonly start: number;
  /** What a reader calls it: "page 3", "cell 12", "assistant, 2024-05-01 10:12". */
  readonly label: string;
  /** Of a message: what tells that it is the same message in another export or note. Equal ids are shown once. */
  readonly id?: string;
  /** When it was written, in milliseconds since 1970. */
  readonly time?: number;
}

/** One searchable document, as a format's reader makes it of a file's bytes. A file holds one, or (a chat export) many. */
export interface ReadDocument {
  /** What tells it from the file's other documents, the same at every reading: a conversation's id. Empty when there are no others. */
  readonly part: string;
  /** Undefined when the format knows none: the path then gives one. */
  readonly title?: string;
  /**
   * The text in UTF-8 that is searched and cited, when it is not the bytes of the file themselves (a PDF's). It is kept, since citations are
   * ranges in it.
   */
  readonly text?: Buffer;
  /**
   * Where `text` came from in the file, when it is its text with only some characters mended: citations are then ranges of the file, and the text is not
   * kept. See `toSourceSpan`.
   */
  readonly origin?: readonly { readonly at: number; readonly source: number }[];
  /** How the text is to be cut. */
  readonly kind: "markdown" | "code" | "text";
  /** In order, the first at 0 or behind it. Empty when the text has no parts with names. */
  readonly sections: readonly Section[];
  /** When it was last changed as it says itself (frontmatter, a conversation's time), in milliseconds since 1970. */
  readonly time?: number;
  /** Without `#`, folded to lower case; nested ones with `/`. */
  readonly tags?: readonly string[];
  /** Other titles of the same document. */
  readonly aliases?: readonly string[];
  /** What it links to, as written: the targets of wikilinks and of relative markdown links. */
  readonly links?: readonly string[];
}

/** A file that cannot be read as what it claims to be; the message is the reason that its owner is shown. */
export class NotReadable extends Error {
  override readonly name = "NotReadable";
}
