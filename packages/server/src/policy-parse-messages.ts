import type { PolicyDocument, Scope } from "./policy/document.ts";
import type { Fault } from "./policy/fault.ts";
import type { Places } from "./policy/path-pattern.ts";
import type { PolicySource } from "./stores/store.ts";

/** What the thread begins with: compile options without what cannot be sent. */
export interface ParseData {
  /** The files as they were read, or only what is wrong with them. */
  readonly wanted: "files" | "check";
  readonly sources: readonly PolicySource[];
  readonly options: Places & { readonly tools?: readonly string[] };
  /** Whether redaction patterns are checked. */
  readonly patterns: boolean;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What the thread tells, one part each time that it is asked: none is large enough to be felt. */
export type ParseTold =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "document"; readonly index: number; readonly head: PolicyDocument }
  /** Further scopes of the last document, and where they stand. */
  | { readonly kind: "scopes"; readonly scopes: readonly Scope[]; readonly places: readonly Place[] }
  /** The end of the parts; unless it is `whole`, faults of form have kept them back. */
  | { readonly kind: "parsed"; readonly whole: boolean }
  | { readonly kind: "checked"; readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] };
