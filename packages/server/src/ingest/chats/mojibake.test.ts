import fc from "fast-check";
import { expect, test } from "vitest";
import { repairText } from "./mojibake.ts";
import { repairBytes, toSourceSpan } from "./source-span.ts";

const decoder = new TextDecoder("windows-1252");
/** A text whose UTF-8 bytes were read as Windows-1252. */
const mangle = (text: string, times = 1): string =>
  times === 0 ? text : mangle(decoder.decode(Buffer.from(text)), times - 1);

test.each([
  "it’s “quoted” – and — so on…",
  "Café, über, naïve, Ångström, Österreich, señor, À la carte",
  "prix : 5 € • ™ → ✓ ≥ 20 °C",
  "🙂 👍🏽 family 👨‍👩‍👧",
  "Привет, мир",
  "日本語のテキスト、中文文本",
  "příliš žluťoučký kůň",
  "mixed: ’ then plain",
])("%s comes back from one, two and three readings", (text) => {
  expect(repairText(mangle(text))).toBe(text);
  expect(repairText(mangle(text, 2))).toBe(text);
  expect(repairText(`plain line\n${mangle(text)}\nplain`)).toBe(`plain line\n${text}\nplain`);
});

test.each([
  "„Das macht Spaß“, sagte sie",
  "«CAFÉ» et «À LA CARTE»",
  "“café”—and more",
  "IRMÃ” e MÃE",
  "GRÖ“ß",
  "Ünïcödé text, ñandú, 日本語, Привет",
  "É»",
  "plain ASCII",
  "Âge, château, âme…",
])("%s is left as it is", (text) => {
  expect(repairText(text)).toBe(text);
});

test("a closing quote whose last byte was dropped", () => {
  expect(repairText("he said â€œyesâ€, then left; â€˜soâ€™")).toBe("he said “yes”, then left; ‘so’");
});

test("text beside mangled text stays, in one line too", () => {
  expect(repairText("it’s a cafÃ© – «bon»")).toBe("it’s a café – «bon»");
});

const piece = fc.oneof(
  fc.constantFrom("plain ", "\n", "\r\n", "日本 ", "“a” ", "é "),
  fc.constantFrom("é", "’", "🙂", "Привет", "ü ", "– x").map((text) => mangle(text)),
  fc.constantFrom("’").map((text) => mangle(text, 2)),
);
const file = fc
  .array(
    fc.oneof({ weight: 8, arbitrary: piece.map((text) => Buffer.from(text)) }, fc.constant(Buffer.from([0xff, 0xe9]))),
  )
  .map((pieces) => Buffer.concat(pieces));

test("every span of a repaired text leads back to the bytes that it came from", () => {
  fc.assert(
    fc.property(file, (bytes) => {
      const repaired = repairBytes(bytes);
      if (repaired === undefined) return;
      const { text, origin } = repaired;
      expect(toSourceSpan(origin, { start: 0, end: text.length })).toEqual({ start: 0, end: bytes.length });
      let before = 0;
      for (let at = 0; at < text.length; at++) {
        const isStart = ((text[at] ?? 0) & 0xc0) !== 0x80;
        if (!isStart) continue;
        let end = at + 1;
        while (((text[end] ?? 0) & 0xc0) === 0x80) end++;
        const span = toSourceSpan(origin, { start: at, end });
        // Spans follow each other without a gap, and say the same: as they are, or repaired.
        expect(span.start).toBe(before);
        before = span.end;
        const [own, source] = [text.subarray(at, end), bytes.subarray(span.start, span.end)];
        const readings = [0, 1, 2, 3].map((times) => mangle(own.toString(), times));
        expect(source.equals(own) || readings.includes(source.toString())).toBe(true);
      }
      expect(before).toBe(bytes.length);
    }),
    { numRuns: 300 },
  );
});

test("a repaired character that a span cuts is taken whole, and an empty span stays empty", () => {
  const bytes = Buffer.from("ab Ã© cd");
  const { text, origin } = repairBytes(bytes) ?? { text: Buffer.alloc(0), origin: [] };
  expect(text.toString()).toBe("ab é cd");
  expect(toSourceSpan(origin, { start: 4, end: 6 })).toEqual({ start: 3, end: 8 });
  expect(toSourceSpan(origin, { start: 3, end: 4 })).toEqual({ start: 3, end: 7 });
  expect(toSourceSpan(origin, { start: 3, end: 3 })).toEqual({ start: 3, end: 3 });
  expect(toSourceSpan(origin, { start: 5, end: 8 })).toEqual({ start: 7, end: 10 });
  expect(repairBytes(Buffer.from("ab é cd"))).toBeUndefined();
});
