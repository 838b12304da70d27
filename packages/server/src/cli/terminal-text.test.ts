import fc from "fast-check";
import { expect, test } from "vitest";
import { embolden, inert, lookOf, toDuration, toSize, wrap } from "./terminal-text.ts";

test("nothing that steers a terminal is left of any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(inert(text)).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
  expect(inert("a\u001b[31mred\r\n\tb\u202e\u0007")).toBe("a·[31mred\n  b··");
});

test("lines are no wider than asked, and hold every word", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "é", " ", "漢", "\n", "\u{1f345}") })), (words) => {
      const text = words.join(" ");
      const lines = wrap(text, 20).map(({ start, end }) => text.slice(start, end));
      for (const line of lines) {
        const width = [...line].reduce((sum, each) => sum + (/[漢\u{1f345}]/u.test(each) ? 2 : 1), 0);
        expect(width).toBeLessThanOrEqual(20);
      }
      expect(lines.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    }),
  );
  const plain = "the quick brown fox jumps";
  expect(wrap(plain, 10).map(({ start, end }) => plain.slice(start, end))).toEqual(["the quick", "brown fox", "jumps"]);
  expect(wrap("a\nb", undefined)).toHaveLength(2);
});

test("a line is bold where its ranges are, also where one began on the line before", () => {
  const text = "one two three";
  const bold = [
    { start: 2, end: 7 },
    { start: 8, end: 13 },
  ];
  expect(embolden(text, { start: 4, end: 13 }, bold)).toBe("\u001b[1mtwo\u001b[22m \u001b[1mthree\u001b[22m");
  expect(embolden(text, { start: 0, end: 3 }, [])).toBe("one");
});

test("bold type is for terminals whose owner has not refused it", () => {
  expect(lookOf({ isTTY: true, columns: 80 }, {})).toEqual({ columns: 80, bold: true });
  expect(lookOf({ isTTY: true, columns: 80 }, { NO_COLOR: "1" })).toEqual({ columns: 80, bold: false });
  expect(lookOf({ isTTY: true, columns: 0 }, { NO_COLOR: "" })).toEqual({ columns: 80, bold: true });
  expect(lookOf({}, {})).toEqual({ columns: undefined, bold: false });
});

test("sizes and times are short", () => {
  expect([0, 999, 1_500, 12_345_678].map(toSize)).toEqual(["0 B", "999 B", "1.5 kB", "12 MB"]);
  expect([0.2, 59, 61, 7_500].map(toDuration)).toEqual(["1 s", "59 s", "2 min", "2 h 5 min"]);
});
