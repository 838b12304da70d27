import { createCipheriv } from "node:crypto";
import { deflateSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { afterAll, describe, expect, test } from "vitest";
import { NotReadable, type ReadDocument } from "../document.ts";
import { createSandbox } from "../sandbox/sandbox.ts";
import { type FormatName, formatOf } from "./format-of.ts";
import { readFormat } from "./read-format.ts";

const pack = (files: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)]))));

/** A PDF by the book: a page per text, each line of it a line on the page. */
function makePdf(
  pages: readonly string[],
  { title = "Field notes", count = pages.length, packed = false } = {},
): Buffer {
  const streams = pages.map((text) => {
    const lines = text.split("\n").map((line) => `(${line.replace(/[\\()]/g, "\\$&")}) Tj 0 -14 Td`);
    return `BT /F1 12 Tf 72 720 Td ${lines.join(" ")} ET`;
  });
  const objects: Buffer[] = [
    Buffer.from("<< /Type /Catalog /Pages 2 0 R >>"),
    Buffer.from(`<< /Type /Pages /Kids [${pages.map((_, at) => `${5 + at * 2} 0 R`).join(" ")}] /Count ${count} >>`),
    Buffer.from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    Buffer.from(`<< /Title (${title}) /ModDate (D:20240501101200+02'00') >>`),
  ];
  for (const [at, stream] of streams.entries()) {
    const content = packed ? deflateSync(Buffer.from(stream)) : Buffer.from(stream);
    objects.push(
      Buffer.from(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${6 + at * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      ),
      Buffer.concat([
        Buffer.from(`<< /Length ${content.length}${packed ? " /Filter /FlateDecode" : ""} >>\nstream\n`),
        content,
        Buffer.from("\nendstream"),
      ]),
    );
  }
  const pieces = [Buffer.from("%PDF-1.7\n")];
  const places: number[] = [];
  let length = pieces[0]?.length ?? 0;
  for (const [at, object] of objects.entries()) {
    const piece = Buffer.concat([Buffer.from(`${at + 1} 0 obj\n`), object, Buffer.from("\nendobj\n")]);
    places.push(length);
    pieces.push(piece);
    length += piece.length;
  }
  const rows = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  pieces.push(
    Buffer.from(
      `xref\n0 ${places.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${places.length + 1} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(pieces);
}

const word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const makeDocx = (body: string, others: Readonly<Record<string, string>> = {}): Buffer =>
  pack({
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels":
      '<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
    "word/document.xml": `<?xml version="1.0" encoding="UTF-8"?><w:document ${word}><w:body>${body}</w:body></w:document>`,
    "docProps/core.xml":
      '<cp:coreProperties><dc:title>Pump &amp; filter</dc:title><dcterms:modified xsi:type="dcterms:W3CDTF">2024-05-01T08:12:00Z</dcterms:modified></cp:coreProperties>',
    ...others,
  });
const run = (text: string, properties = ""): string =>
  `<w:r><w:rPr>${properties}</w:rPr><w:t xml:space="preserve">${text}</w:t></w:r>`;
const paragraph = (text: string, properties = ""): string =>
  `<w:p><w:pPr>${properties}</w:pPr>${text.startsWith("<") ? text : run(text)}</w:p>`;

const docx = makeDocx(
  [
    paragraph("Care", '<w:pStyle w:val="H"/>'),
    paragraph(
      `${run("Clean it ")}<w:del>${run("never")}</w:del><w:ins>${run("weekly")}</w:ins>${run("secret", "<w:vanish/>")}`,
    ),
    paragraph("filter", '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="3"/></w:numPr>'),
    paragraph("sponge", '<w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr>'),
    paragraph(`<w:hyperlink r:id="r9">${run("manual")}</w:hyperlink><w:r><w:footnoteReference w:id="2"/></w:r>`),
    `<w:tbl><w:tr><w:tc>${paragraph("part")}</w:tc><w:tc>${paragraph("price")}</w:tc></w:tr><w:tr><w:tc>${paragraph("seal")}</w:tc><w:tc>${paragraph("4 | 5")}</w:tc></w:tr></w:tbl>`,
    paragraph("# no heading"),
    `<w:p>${run("outer")}<mc:AlternateContent><mc:Choice><w:txbxContent>${paragraph("boxed")}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>${paragraph("boxed")}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>`,
  ].join(""),
  {
    "word/styles.xml": `<w:styles><w:style w:type="paragraph" w:styleId="H"><w:name w:val="Mine"/><w:basedOn w:val="B"/></w:style><w:style w:styleId="B"><w:name w:val="heading 2"/><w:basedOn w:val="H"/></w:style></w:styles>`,
    "word/_rels/document.xml.rels":
      '<Relationships><Relationship Id="r9" Type="x/hyperlink" Target="https://example.org/m" TargetMode="External"/></Relationships>',
    "word/footnotes.xml": `<w:footnotes ${word}><w:footnote w:id="2">${paragraph("Second edition.")}</w:footnote></w:footnotes>`,
  },
);

const odt = pack({
  mimetype: "application/vnd.oasis.opendocument.text",
  "content.xml":
    "<office:document-content><office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>" +
    '<text:h text:outline-level="2">Care</text:h><text:p>Clean<text:s text:c="2"/>it<text:line-break/>weekly.</text:p>' +
    "<text:list><text:list-item><text:p>filter</text:p><text:list><text:list-item><text:p>sponge</text:p></text:list-item></text:list></text:list-item></text:list>" +
    "</office:text></office:body></office:document-content>",
  "meta.xml": "<office:document-meta><office:meta><dc:title>Pump care</dc:title></office:meta></office:document-meta>",
});

const chapter = (body: string): string =>
  `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${body}</body></html>`;
const epub = pack({
  mimetype: "application/epub+zip",
  "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
  "OEBPS/book.opf":
    '<package><metadata><dc:title>The Pump</dc:title></metadata><manifest><item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>' +
    '<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/><item id="a" href="text/one%20more.xhtml" media-type="application/xhtml+xml"/></manifest>' +
    '<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>',
  "OEBPS/nav.xhtml": chapter("<h1>Contents</h1>"),
  "OEBPS/text/one more.xhtml": chapter("<h1>The start</h1><p>It hums.</p>"),
  "OEBPS/two.xhtml": chapter("<p>It stops.</p>"),
});

const notebook = Buffer.from(
  JSON.stringify({
    nbformat: 4,
    metadata: { language_info: { name: "python" } },
    cells: [
      { cell_type: "markdown", source: ["# Flow rates\n", "![p](data:image/png;base64,iVBORw0KGgo=)"] },
      {
        cell_type: "code",
        source: "print(240)",
        outputs: [
          { output_type: "stream", text: ["\u001b[31m240\u001b[0m\n"] },
          {
            output_type: "display_data",
            data: { "image/png": "iVBORw0KGgo".repeat(50), "text/plain": "<Figure size 640x480 with 1 Axes>" },
          },
          { output_type: "error", ename: "ValueError", evalue: "dry", traceback: ["x"] },
        ],
      },
      { cell_type: "code", source: "", outputs: [] },
      { cell_type: "raw", source: "the end" },
    ],
  }),
);

const message = (id: string, body: string): string =>
  `From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\nTo: a@example.org, b@example.org\r\nSubject: Pump =?utf-8?b?4oCT?= seal\r\nDate: Wed, 1 May 2024 10:12:00 +0200\r\nMessage-ID: <${id}@example.org>\r\n${body}`;
const mail = Buffer.from(
  message(
    "1",
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="q"\r\n\r\n--q\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThe seal=\r\n is worn.\r\n' +
      '--q\r\nContent-Type: application/pdf; name="seal.pdf"\r\nContent-Disposition: attachment; filename="seal.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--q--\r\n',
  ),
);
const inBox = (id: string): string => `From j@example.org\n${message(id, "\r\nText\n>From here\n")}\n`;
const mbox = Buffer.from(["1", "2", "1"].map(inBox).join(""));
const html = Buffer.from(
  "<title>Pumps</title><nav>menu</nav><main><h2>Care</h2><p>Clean it.</p><p style='display:none'>hidden</p></main>",
);
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("# Überlauf\r\nZeile", "utf16le")]);

const samples: Readonly<Record<FormatName, readonly [path: string, bytes: Buffer]>> = {
  pdf: ["a.pdf", makePdf(["Pump model TS-40\nis a cen-\ntrifugal pump", "Fuse 2 A"], { packed: true })],
  docx: ["a.docx", docx],
  odt: ["a.odt", odt],
  epub: ["a.epub", epub],
  notebook: ["a.ipynb", notebook],
  mail: ["a.eml", mail],
  mbox: ["a.mbox", mbox],
  html: ["a.html", html],
  json: ["a.json", Buffer.from('{"title": "Part list", "parts": ["seal"]}')],
  lines: ["a.csv", Buffer.from("part,price\nseal,4\n")],
  "utf-16": ["a.md", utf16],
};
const names = Object.keys(samples) as FormatName[];

const read = async (name: FormatName, bytes = samples[name][1]): Promise<readonly ReadDocument[]> =>
  readFormat(name, bytes, samples[name][0]);
const only = async (name: FormatName, bytes?: Buffer): Promise<ReadDocument & { readonly words: string }> => {
  const [document, ...others] = await read(name, bytes);
  if (!document || others.length > 0) throw new Error("There is not one document.");
  return { ...document, words: document.text?.toString() ?? "" };
};
/** The text of each section, by its label. */
const cut = ({ text = Buffer.alloc(0), sections }: ReadDocument): readonly (readonly [string, string])[] =>
  sections.map(({ start, label }, at) => {
    const own = text.subarray(start, sections[at + 1]?.start);
    return [label, own.toString().trim()];
  });

describe("each format is read", () => {
  test("by the name of its file", () => {
    for (const name of names) expect(formatOf(...samples[name])?.name).toBe(name);
    expect(formatOf("scan", Buffer.from("%PDF-1.4"))?.name).toBe("pdf");
    expect(formatOf("table.csv", utf16)?.name).toBe("utf-16");
    expect(formatOf("a.constructor", Buffer.from("x"))).toBeUndefined();
    expect(formatOf("notes.md", Buffer.from("# x"))).toBeUndefined();
  });

  test("pdf: a section per page, words joined, title and time", async () => {
    const document = await only("pdf");
    expect(document).toMatchObject({ title: "Field notes", time: Date.UTC(2024, 4, 1, 8, 12), kind: "text" });
    expect(cut(document)).toEqual([
      ["page 1", "Pump model TS-40\nis a centrifugal pump"],
      ["page 2", "Fuse 2 A"],
    ]);
    expect((await only("pdf", makePdf(["x"], { title: "Microsoft Word - pump_v2.docx" }))).title).toBeUndefined();
  });

  test("docx: headings, lists, links, tables and notes; nothing deleted or hidden", async () => {
    const document = await only("docx");
    expect(document).toMatchObject({ title: "Pump & filter", time: Date.UTC(2024, 4, 1, 8, 12), kind: "markdown" });
    expect(document.words).toBe(
      "## Care\n\nClean it weekly\n\n- filter\n  - sponge\n\n[manual](https://example.org/m)[^2]\n\n| part | price |\n| --- | --- |\n| seal | 4 \\| 5 |\n\n" +
        "\\# no heading\n\nboxed\n\nouter\n\n[^2]: Second edition.\n",
    );
  });

  test("odt", async () => {
    const document = await only("odt");
    expect(document.title).toBe("Pump care");
    expect(document.words).toBe("## Care\n\nClean it\nweekly.\n\n- filter\n  - sponge\n");
  });

  test("epub: chapters in reading order", async () => {
    const document = await only("epub");
    expect(document.title).toBe("The Pump");
    expect(cut(document)).toEqual([
      ["The start", "# The start\n\nIt hums."],
      ["chapter 2", "It stops."],
    ]);
  });

  test("notebook: cells, without pictures", async () => {
    const document = await only("notebook");
    expect(document.title).toBe("Flow rates");
    expect(cut(document)).toEqual([
      ["cell 1", "# Flow rates\n![p](data:)"],
      ["cell 2", "```python\nprint(240)\n```\n\n```text\n240\nValueError: dry\n```"],
      ["cell 4", "the end"],
    ]);
  });

  test("mail and mailboxes", async () => {
    const document = await only("mail");
    const time = Date.UTC(2024, 4, 1, 8, 12);
    expect(document).toMatchObject({ title: "Pump – seal", time, kind: "text" });
    expect(document.sections).toEqual([{ start: 0, label: "Jörg, 2024-05-01 08:12", id: "1@example.org", time }]);
    expect(document.words).toBe(
      "From: Jörg <j@example.org>\nTo: a@example.org, b@example.org\nDate: 2024-05-01 08:12\nAttachments: seal.pdf\n\nThe seal is worn.\n",
    );
    const box = await read("mbox");
    expect(box.map(({ part }) => part)).toEqual(["1@example.org", "2@example.org"]);
    expect(box[1]?.text?.toString()).toMatch(/Text\nFrom here\n$/);
    const written = message("3", "Content-Type: text/html\r\n\r\n<h1>Hi</h1><p style='display:none'>x</p><p>there");
    expect(await only("mail", Buffer.from(written))).toMatchObject({
      kind: "markdown",
      words: expect.stringMatching(/\n\n# Hi\n\nthere\n$/),
    });
  });

  test("html, json, lines and UTF-16", async () => {
    expect(await only("html")).toMatchObject({ title: "Pumps", kind: "markdown", words: "## Care\n\nClean it.\n" });
    expect(await read("json")).toEqual([{ part: "", title: "Part list", kind: "code", sections: [] }]);
    expect(await read("lines")).toEqual([{ part: "", kind: "text", sections: [] }]);
    const xhtml = Buffer.from("<?xml version='1.0'?><html><head><title/></head><body>It hums.</body></html>");
    expect((await only("html", xhtml)).words).toBe("It hums.\n");
    expect(await only("utf-16")).toMatchObject({ kind: "markdown", words: "# Überlauf\nZeile\n" });
    const swapped = Buffer.from(utf16).swap16();
    expect((await only("utf-16", swapped)).words).toBe("# Überlauf\nZeile\n");
  });
});

describe("a file that is not what it claims to be", () => {
  const sandbox = createSandbox({ timeMs: 10_000, memoryMb: 512 });
  afterAll(async () => sandbox.stop());

  /** How many documents a file holds, or the reason that its owner is shown. */
  const outcomeOf = async (format: FormatName, bytes: Buffer): Promise<string> => {
    try {
      const documents = await sandbox.read({ path: samples[format][0], format, bytes });
      for (const { text, sections } of documents)
        expect(sections.every(({ start }) => start <= (text ?? bytes).length)).toBe(true);
      return `read ${documents.length}`;
    } catch (error) {
      expect(error).toBeInstanceOf(NotReadable);
      return (error as Error).message;
    }
  };
  const quickly = async (format: FormatName, bytes: Buffer): Promise<string> => {
    const outcome = await outcomeOf(format, bytes);
    expect(outcome).not.toMatch(/took|broke|no sense/);
    return outcome;
  };

  test("is refused with a reason when it is empty, cut short, or another format", async () => {
    const own = new Set<FormatName>(["json", "lines"]);
    for (const name of names) {
      const [, bytes] = samples[name];
      const empty = await quickly(name, Buffer.alloc(0));
      expect(empty, name).toBe(own.has(name) ? "read 1" : "It is empty.");
      const half = await quickly(name, bytes.subarray(0, bytes.length / 2));
      if (/docx|odt|epub|notebook/.test(name)) expect(half, name).toMatch(/damaged/);
      for (const other of [...names.map((name) => samples[name][1]), noise(5_000, 7), Buffer.alloc(5_000)])
        await quickly(name, other);
      if (!own.has(name)) expect(await quickly(name, noise(100_000, 3)), name).toMatch(/^It (is|has)/);
    }
    expect(await quickly("docx", Buffer.from("d0cf11e0a1b11ae10000", "hex"))).toMatch(/password/);
    expect(await quickly("docx", odt)).toBe("It is no Word document.");
    expect(await quickly("pdf", html)).toBe("It is not a PDF.");
    expect(await quickly("pdf", makePdf([""]))).toBe("Its pages are pictures: it holds no text.");
    expect(await quickly("mail", Buffer.from("\r\n\r\nno headers"))).toMatch(/no mail/);
    expect(await quickly("html", Buffer.from("<p></p>"))).toBe("It holds no text.");
  });

  test("never harms its reader, wherever it is cut or changed", async () => {
    for (const name of names) {
      const [, bytes] = samples[name];
      const draws = noise(60_000, names.indexOf(name) + 1);
      for (let round = 0; round < 60; round++) {
        const draw = (at: number): number => draws.readUInt32LE(round * 100 + at * 4);
        const changed = Buffer.from(bytes.subarray(0, round % 3 === 0 ? draw(0) % bytes.length : bytes.length));
        for (let flip = 1; flip <= round % 7 && changed.length > 0; flip++)
          changed[draw(flip) % changed.length] = draw(flip + 10) % 256;
        await quickly(name, changed);
      }
    }
  }, 60_000);

  test("is refused when it unpacks to too much", async () => {
    const bomb = makeDocx(paragraph("x".repeat(40 * 1024 * 1024)));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await quickly("docx", bomb)).toMatch(/unpacks to more/);
    const lying = Buffer.from(bomb);
    for (let at = lying.indexOf("PK\x01\x02"); at >= 0; at = lying.indexOf("PK\x01\x02", at + 1))
      lying.writeUInt32LE(100, at + 24);
    expect(await quickly("docx", lying)).toMatch(/unpacks to more|damaged/);
    const pages = makePdf(["(y) Tj ".repeat(4_000_000)], { packed: true });
    expect(await outcomeOf("pdf", pages)).toMatch(/^It /);
    expect(await quickly("pdf", samples.pdf[1])).toBe("read 1");
  }, 60_000);

  test("is refused, or read, when it is deeper or longer than any reader needs", async () => {
    const deep = 100_000;
    const nested = (open: string, close: string): string => open.repeat(deep) + close.repeat(deep);
    expect(await quickly("html", Buffer.from(nested("<div>", "</div>")))).toMatch(/deeply nested/);
    expect(await quickly("docx", makeDocx(nested("<w:p>", "</w:p>")))).toMatch(/nests more than/);
    expect(await quickly("odt", pack({ "content.xml": nested("<a>", "</a>") }))).toMatch(/nests more than/);
    expect(await quickly("json", Buffer.from(nested("[", "]")))).toBe("read 1");
    expect(await quickly("notebook", Buffer.from(nested('{"cells":', "}")))).toMatch(/^It /);
    const parts = Array.from(
      { length: 5_000 },
      (_, at) => `--b${at}\r\nContent-Type: multipart/mixed; boundary=b${at + 1}\r\n\r\n`,
    );
    expect(
      await quickly(
        "mail",
        Buffer.from(message("1", `Content-Type: multipart/mixed; boundary=b0\r\n\r\n${parts.join("")}`)),
      ),
    ).toMatch(/damaged/);
    const entities = Array.from({ length: 20 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join("");
    const laughs = `<!DOCTYPE d [<!ENTITY l0 "lol">${entities}]><d><p>&l20;</p></d>`;
    expect(await quickly("odt", pack({ "content.xml": laughs }))).toBe("read 1");
    expect(await quickly("pdf", makePdf(["one page"], { count: 2_000_000_000 }))).toBe("read 1");
    const kids = makePdf(["one page"]).toString("latin1").replace("/Kids [5 0 R]", "/Kids [2 0 R]");
    expect(await quickly("pdf", Buffer.from(kids, "latin1"))).toMatch(/^It is damaged/);
  }, 60_000);

  test("does not take the square of its size", async () => {
    const million = 1_000_000;
    const spaces = " ".repeat(4 * million);
    for (const [name, bytes] of [
      ["html", Buffer.from(`<p>a${spaces}b</p><a href="${"(".repeat(million)}">`)],
      ["html", Buffer.from("<a href=x>".repeat(150_000))],
      ["html", Buffer.from("<table><tr><td>".repeat(300))],
      ["docx", makeDocx(paragraph(run(`a${"&#32;x ".repeat(million)}b`)))],
      ["docx", makeDocx("<w:p><w:hyperlink>".repeat(400))],
      ["epub", pack({ "b.opf": "<item href=''/>".repeat(100_000) })],
      [
        "notebook",
        Buffer.from(
          JSON.stringify({ cells: [{ source: `#${spaces}x${"`".repeat(million)}data:${"a".repeat(million)}` }] }),
        ),
      ],
      ["mail", Buffer.from(message("1", `X: ${"=?utf-8?q?a?= ".repeat(50_000)}\r\n\r\n${spaces}x`))],
      ["mail", Buffer.from(message("1", `To: ${"a,".repeat(200_000)}\r\n\r\nx`))],
      ["mail", Buffer.from(message("1", `Cc: ${'(<"'.repeat(100_000)}\r\n\r\nx`))],
      ["mbox", Buffer.from("From \n\n".repeat(200_000))],
      ["pdf", Buffer.from(`%PDF-1.7\n${"[".repeat(million)}`)],
    ] as const) {
      const start = performance.now();
      expect(await outcomeOf(name, bytes), name).not.toMatch(/took longer/);
      expect(performance.now() - start, `${name} ${bytes.toString("latin1", 0, 60)}`).toBeLessThan(8_000);
    }
  }, 120_000);
});

/** Bytes without a meaning, the same for the same seed. */
function noise(length: number, seed: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}
