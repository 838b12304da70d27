import fc from "fast-check";
import { expect, test } from "vitest";
import { chunk, sizes } from "./chunk.ts";

const piece = fc.oneof(
  fc.constantFrom(
    "# Heading\n",
    "## Ä\r\n",
    "\n",
    "\r\n",
    "\n\n",
    "---\n",
    "```\n",
    "key:\n",
    " ",
    "\t",
    "\uFEFF",
    "👩‍🚀",
    "語",
    "\r",
  ),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.nat(3_000).map((length) => "a word ".repeat(length / 7)),
  fc.nat(5_000).map((length) => "é".repeat(length)),
  fc.constantFrom("-----BEGIN X KEY-----\n", "-----END X KEY-----\n"),
);
const wellFormed = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join("").toWellFormed()));
const broken = fc
  .array(
    fc.oneof(
      wellFormed,
      fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), ...pieces]));
const kind = fc.constantFrom("markdown", "code", "text" as const);

const isBlank = (bytes: Buffer): boolean => /^(?:\xef\xbb\xbf)?[\t-\r ]*$/.test(bytes.toString("latin1"));

test("spans are in order, hold every byte that says something, and keep to their size", () => {
  fc.assert(
    fc.property(fc.oneof(wellFormed, broken), kind, (bytes, kind) => {
      let after = 0;
      for (const { start, end } of chunk(bytes, kind)) {
        expect(start).toBeGreaterThanOrEqual(after);
        expect(end).toBeGreaterThan(start);
        expect(end - start).toBeLessThanOrEqual(sizes.unbroken + sizes.most);
        expect(isBlank(bytes.subarray(after, start))).toBe(true);
        after = end;
      }
      expect(isBlank(bytes.subarray(after))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("no span begins or ends inside of a code point, so spans of good text are good text", () => {
  fc.assert(
    fc.property(wellFormed, kind, (bytes, kind) => {
      for (const { start, end } of chunk(bytes, kind)) {
        const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, end));
        expect(Buffer.from(text).equals(bytes.subarray(start, end))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

const texts = (source: string, kind: "markdown" | "code" | "text" = "markdown"): string[] => {
  const bytes = Buffer.from(source);
  return chunk(bytes, kind).map(({ start, end }) => bytes.toString("utf8", start, end));
};

test("headings begin passages, except in code fences and where a section is tiny", () => {
  const section = (name: string): string => `# ${name}\n\n${"Some words of it. ".repeat(30)}\n`;
  expect(texts(section("One") + section("Two")).map((text) => text.slice(0, 5))).toEqual(["# One", "# Two"]);
  expect(texts("# One\n\nshort\n\n# Two\n\nshort\n")).toHaveLength(1);
  expect(texts(`# One\n\n${"x y ".repeat(120)}\n\n\`\`\`sh\n# a comment\nls\n\`\`\`\n`)).toHaveLength(1);
});

test("long prose is cut between paragraphs", () => {
  const paragraph = "A sentence of a paragraph. ".repeat(20).trim();
  for (const text of texts(Array.from({ length: 12 }, () => paragraph).join("\n\n"))) {
    expect(text.startsWith("A sentence")).toBe(true);
    expect(text.endsWith("paragraph.")).toBe(true);
    expect(text.length).toBeLessThanOrEqual(sizes.most);
  }
});

test("what could be half a secret stays whole", () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${`${"Q".repeat(64)}\n`.repeat(50)}-----END PRIVATE KEY-----\n`;
  const prose = `${"Words before the key. ".repeat(60)}\n\n`;
  const withKey = texts(prose + key + prose).find((text) => text.includes("BEGIN"));
  expect(withKey).toContain("END PRIVATE KEY");
  const label = `${"x ".repeat(990)}\npassword:\n\n  hunter2hunter2\n`;
  expect(texts(label, "text").find((text) => text.includes("hunter2"))).toContain("password:");
  const token = "t".repeat(3_000);
  expect(texts(`${"words ".repeat(300)}${token} ${"words ".repeat(300)}`).some((text) => text.includes(token))).toBe(
    true,
  );
});
