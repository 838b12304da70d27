import fc from "fast-check";
import { expect, test } from "vitest";
import { toTextSpan } from "./text-span.ts";

test("spans that meet give the whole text, wherever they meet", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\u00e9", "\u20ac", "\u{1f600}", "\ufeff"), maxLength: 20 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(80), { maxLength: 5 }), (whole, cuts) => {
      const bytes = Buffer.from(whole);
      const borders = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const parts = borders.slice(1).map((end, index) => toTextSpan(bytes, { start: borders[index] ?? 0, end }));
      expect(parts.map((part) => part?.content).join("")).toBe(whole);
      for (const part of parts) expect(bytes.toString("utf8", part?.start, part?.end)).toBe(part?.content);
    }),
  );
});

test("bytes that are no UTF-8 give no text, not even where a border hides them", () => {
  const latin1 = Buffer.from([0x61, 0xa9, 0xa9, 0x62]);
  for (let start = 0; start < 4; start++) {
    for (let end = start; end <= 4; end++) {
      const touched = latin1.subarray(start, end).includes(0xa9);
      if (touched) expect(toTextSpan(latin1, { start, end })).toBeUndefined();
    }
  }
});
