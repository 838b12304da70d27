import type { Labels } from "@portcullis/contracts";
import type { Segment } from "./glob.ts";
import type { NamePattern } from "./name-pattern.ts";
import type { UrlPattern } from "./url-pattern.ts";
import type { Allow, Rate, ScopeRef } from "./verdict.ts";

/** A compiled scope: its tools and conditions. What it touches is in its rules. */
export interface CompiledScope {
  readonly ref: ScopeRef;
  /** Its place among all scopes of the policy in the order of their ids: what ties are broken by. */
  readonly rank: number;
  readonly tools: readonly NamePattern[];
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly needs: "required" | "stated" | "optional";
  readonly methods: readonly string[];
  readonly purposes: readonly ((purpose: string) => boolean)[] | undefined;
  /** Milliseconds since the epoch; Infinity when it does not end. */
  readonly expires: number;
  readonly redact: readonly string[];
  readonly rate: Rate | undefined;
  readonly maxBytes: number | undefined;
  readonly labels: Labels | undefined;
  readonly consent: boolean;
  readonly hardlinks: boolean;
  /** The verdict when no other scope allows the same. */
  readonly alone: Allow;
}

/** One pattern of a scope. */
export interface Rule {
  readonly scope: CompiledScope;
  /** The pattern as written. */
  readonly text: string;
  readonly target: Target;
}

export type Target =
  | { readonly kind: "path"; readonly glob: readonly Segment[] }
  | { readonly kind: "url"; readonly url: UrlPattern }
  /** `**` in a deny: everything of every kind. */
  | { readonly kind: "all" };

/** A document's compiled scopes and whom they are for. */
export interface CompiledDocument {
  readonly subjects: readonly NamePattern[];
  readonly scopes: readonly CompiledScope[];
}

/** Whether a scope is about a tool, and whether it names it without a wildcard. */
export function namesTool(scope: CompiledScope, tool: string): "exactly" | "by-pattern" | undefined {
  let by: "by-pattern" | undefined;
  for (const pattern of scope.tools) {
    if (!pattern.matches(tool)) continue;
    if (pattern.exact) return "exactly";
    by = "by-pattern";
  }
  return by;
}
