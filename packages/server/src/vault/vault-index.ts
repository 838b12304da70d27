/** What is kept of a note: enough to tell how it hangs together with others. */
export interface NoteFacts {
  readonly title: string;
  /** Without `#`, in lower case; nested ones with `/`. */
  readonly tags: readonly string[];
  readonly aliases: readonly string[];
  /** The targets of its links (`NoteLink.target`), each once, without the empty one. */
  readonly links: readonly string[];
}

/** A file of a vault: a note, or an attachment, of which nothing is known but its path. */
export interface VaultFile extends NoteFacts {
  /** Small, and never given to another path. */
  readonly id: number;
  /** Inside the vault, with `/` between its segments. */
  readonly path: string;
  readonly note: boolean;
}

/**
 * The files of one vault, to be looked up by what a link may call them. It knows nothing of permission and resolves nothing: `createView` does,
 * over what one caller may see. Answers are in any order.
 */
export interface VaultIndex {
  at(path: string): VaultFile | undefined;
  /** The files whose path has this `nameOf`. */
  named(name: string): Iterable<VaultFile>;
  /** The notes with this title or alias, folded. */
  called(name: string): Iterable<VaultFile>;
  /** The notes with a link whose target has this `nameOf`. */
  linking(name: string): Iterable<VaultFile>;
  /** The notes with this tag or one nested in it. */
  tagged(tag: string): Iterable<VaultFile>;
  /** Every tag with each that it is nested in. */
  tagNames(): Iterable<string>;
  files(): Iterable<VaultFile>;
}
