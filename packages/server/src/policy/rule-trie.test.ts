import fc from "fast-check";
import { expect, test } from "vitest";
import { matchGlob, parseGlob, reachesGlob } from "./glob.ts";
import { createRuleTrie } from "./rule-trie.ts";

const segment = fc.constantFrom("a", "b", "ab");
const glob = fc.array(fc.oneof(segment, segment, fc.constantFrom("**", "**", "*", "a*")), {
  minLength: 1,
  maxLength: 6,
});
const path = fc.array(segment, { maxLength: 6 });

test("a trie finds the rules that each one's glob would find by itself", () => {
  fc.assert(
    fc.property(fc.array(glob, { maxLength: 8 }), fc.array(path, { minLength: 10, maxLength: 10 }), (globs, paths) => {
      const rules = globs.map((parts) => parseGlob(parts.join("/"), "/"));
      const trie = createRuleTrie<number>();
      for (const [index, rule] of rules.entries()) trie.add(rule, index);
      const numbers = [...rules.keys()];
      for (const one of paths) {
        const [matched, reached]: [number[], number[]] = [[], []];
        trie.match(one, matched);
        trie.reach(one, reached);
        expect([...new Set(matched)].sort()).toEqual(numbers.filter((index) => matchGlob(rules[index] ?? [], one)));
        expect([...new Set(reached)].sort()).toEqual(numbers.filter((index) => reachesGlob(rules[index] ?? [], one)));
      }
    }),
    { numRuns: 500 },
  );
});
