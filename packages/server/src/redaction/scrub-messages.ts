import type { KnownSecret } from "./known-secrets.ts";

/** What a thread that scrubs begins with. */
export interface ScrubData {
  readonly patterns: readonly string[];
  readonly secrets: readonly KnownSecret[];
}

/** One value to be scrubbed, with further patterns of the owner. */
export interface ScrubAsked {
  readonly value: unknown;
  readonly extra: readonly string[];
}
