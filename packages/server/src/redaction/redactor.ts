import type { CompiledPatterns } from "./patterns.ts";

export type { CompiledPatterns } from "./patterns.ts";

export interface Redactor {
  scrub(value: unknown, extra?: CompiledPatterns): { readonly value: unknown; readonly masked: Readonly<Record<string, number>> };
}

export function createRedactor({ patterns }: { patterns?: CompiledPatterns } = {}): Redactor {
  return {
    scrub(value, extra) {
      const all = [...(patterns?.patterns ?? []), ...(extra?.patterns ?? [])];
      let count = 0;
      const walk = (item: unknown): unknown => {
        if (typeof item === "string") {
          let text = item.replace(/AKIA[A-Z0-9]{16}|ghp_[A-Za-z0-9]{30,}/g, () => (count++, "[redacted:key]"));
          for (const re of all) text = re.matcher(text).replaceAll("[redacted:pattern]");
          if (text !== item) count ||= 1;
          return text;
        }
        if (Array.isArray(item)) return item.map(walk);
        if (typeof item === "object" && item !== null) return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, walk(inner)]));
        return item;
      };
      const scrubbed = walk(value);
      return count > 0 ? { value: scrubbed, masked: { key: count } } : { value, masked: {} };
    },
  };
}
