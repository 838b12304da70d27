import fc from "fast-check";
import { expect, test } from "vitest";
import { targetsOf } from "./facts.ts";
import { readNote } from "./read-note.ts";
import { findSection } from "./section.ts";

const linksOf = (text: string) =>
  readNote(text).links.map(({ start: _, end: __, embed, ...link }) => ({ ...link, ...(embed && { embed }) }));

test("frontmatter gives title, tags, aliases, time and links", () => {
  const note = readNote(`---
title: Der Garten
tags: [Projekt/Garten, "#Sommer", 2024, y2024]
Tag: kräuter, 日記
aliases:
  - Mein Garten
  - 12
updated: 2024-05-01 10:12
up: "[[Home|oben]]"
related: ["[[A]]", "see [[B]]"]
empty:
---
# Anders
`);
  expect(note).toMatchObject({
    title: "Der Garten",
    tags: ["projekt/garten", "sommer", "y2024", "kräuter", "日記"],
    aliases: ["Mein Garten", "12"],
    time: Date.UTC(2024, 4, 1, 10, 12),
    frontmatter: { title: "Der Garten", empty: null, tags: ["Projekt/Garten", "#Sommer", 2024, "y2024"] },
  });
  expect(targetsOf(note)).toEqual(["Home", "A"]);
  expect(readNote("---\ntags: a b, c\nalias: One, Two\n---\n")).toMatchObject({
    tags: ["a", "b", "c"],
    aliases: ["One", "Two"],
  });
  expect(readNote("\uFEFF---\r\ntags:\r\n- x\r\n---\r\n#y\r\n").tags).toEqual(["x", "y"]);
  expect(readNote("---\ndate: 2024-02-30x\n---\n").time).toBeUndefined();
  expect(readNote("---\ndate: 2024-02-03T04:05:06+02:00\n---\n").time).toBe(Date.UTC(2024, 1, 3, 2, 5, 6));
});

test("broken frontmatter is no error, and the rest is read", () => {
  for (const yaml of ["a: [", "a: b: c", "- x", "*x", "a: &x 1\nb: *x", `a: ${"[".repeat(100)}`, "x".repeat(20_000)]) {
    const note = readNote(`---\n${yaml}\n---\n# Title\n#tag [[Link]]\n`);
    expect(note.problem, yaml.slice(0, 20)).toMatch(/^The frontmatter /);
    expect(note).toMatchObject({ frontmatter: {}, title: "Title", tags: ["tag"] });
    expect(targetsOf(note)).toEqual(["Link"]);
  }
  expect(readNote("---\nno: end\n#tag\n")).toMatchObject({ frontmatter: {}, tags: ["tag"] });
  expect(readNote("text\n---\na: 1\n---\n").frontmatter).toEqual({});
  const hostile = readNote('---\n__proto__: {polluted: true}\n"constructor": x\n---\n').frontmatter;
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect((hostile as Record<string, unknown>).polluted).toBeUndefined();
});

test("inline tags are those of Obsidian", () => {
  const tagsOf = (text: string) => readNote(text).tags;
  expect(tagsOf("#one and #Two/Three, (#four) x#five #six.")).toEqual(["one", "two/three", "six"]);
  expect(tagsOf("#1984 #y1984 #12/13 #a-b_c #a/ #//b #")).toEqual(["y1984", "12/13", "a-b_c", "a", "b"]);
  expect(tagsOf("#größe #日本語 #Ёлка #لون #हिन्दी #🎉 #👩‍👩‍👧 #été")).toEqual([
    "größe",
    "日本語",
    "ёлка",
    "لون",
    "हिन्दी",
    "🎉",
    "👩‍👩‍👧",
    "été",
  ]);
  expect(tagsOf("#中文标签。后面 #tag!x #e\u0301t\u00e9")).toEqual(["中文标签", "tag", "été"]);
  expect(tagsOf("# Heading #inheading\n\n## #alone\n#nospace")).toEqual(["inheading", "alone", "nospace"]);
  expect(tagsOf("https://x.org/#frag [a](#b) [c](<d #e.md>) [[f #g]] \\#h ##i")).toEqual([]);
  expect(tagsOf("`#a` ``#b ` #c`` `#d\n#e`\n\n    #f\n\n```\n#g\n```\n~~~ js\n#h\n```\n~~~\n#i")).toEqual(["i"]);
  expect(tagsOf("%% #a %% #b\n%%\n#c\n\n```\n#d\n%%\n#e <!-- #f\n\n --> #g\n<!-- #h")).toEqual(["b", "e", "g"]);
  expect(tagsOf("- item\n\n    #nested\n\n> ```\n> #code\n> ```\n> #quoted\n\n1. ```\n   #c\n   ```\n   #d")).toEqual([
    "nested",
    "quoted",
    "d",
  ]);
  expect(tagsOf('a ` lone\n- b ` #seen\n\n<a title="x #no">#no2</a> 1 < 2 #yes')).toEqual(["seen", "yes"]);
});

test("wikilinks and relative Markdown links, with headings, blocks and what is shown", () => {
  expect(linksOf("[[A]] [[A#H|shown]] [[#own]] ![[pic.png|100]] [[A#H#I]] [[A#^b1]] [[ B |c]]")).toEqual([
    { target: "A", written: "A" },
    { target: "A", heading: "H", written: "A#H", shown: "shown" },
    { target: "", heading: "own", written: "#own" },
    { target: "pic.png", written: "pic.png", shown: "100", embed: true },
    { target: "A", heading: "H#I", written: "A#H#I" },
    { target: "A", block: "b1", written: "A#^b1" },
    { target: "B", written: "B", shown: "c" },
  ]);
  expect(linksOf("| [[T\\|x]] | [[[nested]]] [[]] [[a\nb]] [[a]b]] \\[[no]] [[a[b]]")).toEqual([
    { target: "T", written: "T", shown: "x" },
    { target: "nested", written: "nested" },
  ]);
  expect(
    linksOf(
      "[x](../a%20b.md) [y](c.md#Sec%20t 'title') ![z](<p q.png>) [r](/top.md) [h](#here) [e](f(g).md) [p](50%.md)",
    ),
  ).toEqual([
    { target: "../a b.md", written: "../a%20b.md", shown: "x" },
    { target: "./c.md", heading: "Sec t", written: "c.md#Sec%20t", shown: "y" },
    { target: "./p q.png", written: "p q.png", shown: "z", embed: true },
    { target: "/top.md", written: "/top.md", shown: "r" },
    { target: "", heading: "here", written: "#here", shown: "h" },
    { target: "./f(g).md", written: "f(g).md", shown: "e" },
    { target: "./50%.md", written: "50%.md", shown: "p" },
  ]);
  expect(linksOf("[a](https://x.org/b.md) [m](mailto:x@y.z) [n](//h/p) [o] (p.md) [q]() [r](s")).toEqual([]);
  expect(linksOf("`[[a]]` %%[[b]]%% <!-- [[c]] -->\n```\n[[d]]\n```\n\n    [[e]]\n\n[[f]]")).toMatchObject([
    { target: "f" },
  ]);
  expect(linksOf("[![pic](a.png)](b.md) [see [[c]]](d.md)").map(({ target }) => target)).toEqual([
    "./a.png",
    "./b.md",
    "c",
    "./d.md",
  ]);
  const text = "żółw ![[Ünï#ß|x]] 🐢 [a](b.md)";
  expect(readNote(text).links.map(({ start, end }) => text.slice(start, end))).toEqual(["![[Ünï#ß|x]]", "[a](b.md)"]);
});

test("headings and blocks name the parts of a note", () => {
  const text = `# One
intro
## A ##
a1 ^first
- item
- second ^item-2

Under
===
x
## A
> quote
> more
^quote-1
#### Deep *one* [[L|shown]]
\`\`\`
# no
\`\`\`
`;
  const note = readNote(text);
  expect(note.headings.map(({ level, text: own }) => [level, own])).toEqual([
    [1, "One"],
    [2, "A"],
    [1, "Under"],
    [2, "A"],
    [4, "Deep *one* [[L|shown]]"],
  ]);
  const section = (wanted: string): string | undefined => {
    const span = findSection(text, note, wanted);
    return span && text.slice(span.start, span.end);
  };
  expect(section("a")).toBe("## A ##\na1 ^first\n- item\n- second ^item-2\n\n");
  expect(section("Under#A")?.startsWith("## A\n> quote")).toBe(true);
  expect(section("deep one shown")).toContain("# no");
  expect(section("One#Deep one shown")).toBeUndefined();
  expect(section("none")).toBeUndefined();
  expect(section("^first")).toBe("a1 ^first\n");
  expect(section("^ITEM-2")).toBe("- second ^item-2\n");
  expect(section("^quote-1")).toBe("> more\n^quote-1\n");
  expect(section("^none")).toBeUndefined();
});

test("any text is read, and what is found lies in it", () => {
  const piece = fc.constantFrom(
    "[[",
    "]]",
    "[",
    "](",
    ")",
    "#",
    "`",
    "```\n",
    "%%",
    "<!--",
    "-->",
    "\n",
    "\n\n",
    "a",
    " ",
    "|",
    "---\n",
    "> ",
    "- ",
    "^x",
    "\\",
    "é",
    "🎉",
    "<",
    ">",
    '="',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      const note = readNote(text);
      for (const { start, end, target, written, embed } of note.links) {
        const source = text.slice(start, end);
        expect(source.startsWith(embed ? "![" : "[") && /[\])]$/.test(source)).toBe(true);
        expect(source).toContain(written.split("\\")[0]);
        // A path of a Markdown link may hold a bar; in a wikilink it parts the target from what is shown.
        expect(target).not.toMatch(/^\.{0,2}\//.test(target) ? /[#\n]/ : /[#|\n]/);
      }
      for (const { start } of note.headings) expect(start === 0 || text[start - 1] === "\n").toBe(true);
      for (const tag of note.tags) expect(tag).not.toMatch(/[\s#[\]|`%]/);
    }),
    { numRuns: 2_000 },
  );
});

/** The processor's time, in ms: what else the machine does is not in it. */
function costOf(text: string): number {
  const before = process.cpuUsage();
  readNote(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

test("hostile text costs no more than its length", () => {
  const size = 1 << 20;
  const pieces = [
    "[",
    "#",
    "`",
    "[[",
    "[[a",
    "](",
    "[a](b",
    "%%",
    "<!--",
    '<a ="',
    " ^a",
    "\\",
    "~~~\n",
    "` `` ``` ",
    "> ",
    "- ",
    "#a ",
    '[x](a "b](',
    "[x](<",
    "    a\n",
    "[[|",
    "(",
    "a\n=\n",
  ];
  // A quadratic reader would take minutes for one of these.
  for (const piece of pieces) {
    const text = piece.repeat(size / piece.length);
    expect(costOf(text), JSON.stringify(piece)).toBeLessThan(5_000);
  }
  for (const piece of ["a:\n", "- a\n", "[a, ", "&a [*a]\n", '"', "!!x ", "? a\n", "{a: "]) {
    const text = `---\n${piece.repeat(16_000 / piece.length)}\n---\n`;
    expect(costOf(text), JSON.stringify(piece)).toBeLessThan(5_000);
  }
});
