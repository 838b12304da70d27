import type { Labels } from "@portcullis/contracts";

/** What the owner says of one tool of a source. */
export interface ToolMarks {
  readonly effect?: "read" | "write" | "send";
  readonly labels?: Labels;
  /** False hides the tool from everyone. */
  readonly expose?: boolean;
  /** Arguments that name files or URLs, which policy then judges too: `path`, `edits.*.file`. */
  readonly paths?: readonly string[];
  readonly urls?: readonly string[];
  /** Whether images, sound and other bytes are passed on, though nobody can look for secrets in them. */
  readonly binary?: boolean;
}

/** By the names that the source gives its tools; `*` for those that are not named. */
export type Marks = Readonly<Record<string, ToolMarks>>;

export interface Declared {
  readonly effect: "read" | "write" | "send";
  readonly labels: Labels;
  readonly expose: boolean;
  readonly paths: readonly string[];
  readonly urls: readonly string[];
  readonly binary: boolean;
}

/** What a tool counts as: as the owner says, and where they say nothing, as the worst: it changes things for good, leaks, and answers with strangers' words. */
export function declare(marks: Marks | undefined, name: string): Declared {
  const own = marks && Object.hasOwn(marks, name) ? marks[name] : undefined;
  const { labels, effect, expose = true, paths = [], urls = [], binary = false } = { ...marks?.["*"], ...own };
  return {
    effect: effect ?? "write",
    // Whoever says what a tool does to the world has said how bad that is.
    labels: { untrusted: true, egress: true, ...(effect === undefined && { effect: "destructive" }), ...labels },
    ...{ expose, paths, urls, binary },
  };
}
