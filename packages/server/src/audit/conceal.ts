import type { Digest } from "./keys.ts";
import type { Kind } from "./record.ts";

/** What the audit keeps of arguments, from which secrets have been masked. Notes are made to be read, and stay readable where anything does. */
export type Conceal = (args: unknown, kind: Exclude<Kind, "intent" | "system">) => unknown;

const longest = 200;
const deepest = 64;

/**
 * `readable` keeps what tells what was asked (paths, addresses, queries) and gives texts of a content's length by their HMAC; `hmac` gives
 * every text by its HMAC. Numbers, truth values and the names of arguments stay.
 */
export function createConceal(digest: Digest, mode: "readable" | "hmac"): Conceal {
  const text = (value: string): string =>
    mode === "hmac" || value.length > longest || value.includes("\n") ? digest(value) : value;
  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > deepest) return "…";
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key.length > longest ? digest(key) : key, walk(inner, depth + 1)]),
    );
  };
  return (args, kind) => (args === undefined || (mode === "readable" && kind === "method") ? args : walk(args, 0));
}
