import type { Stats } from "node:fs";
import type { Engine } from "./engine.ts";
import type { Roots } from "./roots.ts";

/** A file or folder that has been judged and is held: what happens to its path from now on does not matter. */
export interface Pinned {
  /** The real path, NFC-normalised. */
  readonly real: string;
  readonly stat: Stats;
  /** Opens the very thing that was judged. */
  readonly door: string;
  /** The descriptor behind the door, where there is one: a child process can inherit it. */
  readonly fd: number | undefined;
  readonly engine: Engine;
  close(): void;
}

export interface PinRequest {
  /** Canonical, and already allowed by policy. */
  readonly path: string;
  readonly wanted: "file" | "folder" | "either";
  readonly roots: Roots;
  /** Whether policy allows the same use of another path: the one that links lead to. */
  allows(path: string): boolean;
  /** Reads files that have other names too. Such a name may lie anywhere on the disk, so the default is no. */
  readonly hardlinks?: boolean;
}
