/** The kinds of files that have a reader. A file of none of them is plain text or nothing that is read. */
export type FormatName =
  | "html"
  | "pdf"
  | "docx"
  | "odt"
  | "epub"
  | "notebook"
  | "mail"
  | "mbox"
  | "json"
  | "lines"
  | "utf-16";

export interface Format {
  readonly name: FormatName;
  /** What its owner calls it, as in "It cannot be read as …". */
  readonly title: string;
  /** True when the bytes go to a parser that they might break, or keep busy: it is run in the sandbox, never in the server itself. */
  readonly apart: boolean;
  /** The largest file that is read, in bytes. */
  readonly largest: number;
}

const mebibyte = 1024 * 1024;

/** Every format by its name. */
export const formats: Readonly<Record<FormatName, Format>> = {
  html: { name: "html", title: "HTML", apart: true, largest: 5 * mebibyte },
  pdf: { name: "pdf", title: "PDF", apart: true, largest: 64 * mebibyte },
  docx: { name: "docx", title: "a Word document", apart: true, largest: 64 * mebibyte },
  odt: { name: "odt", title: "an OpenDocument text", apart: true, largest: 64 * mebibyte },
  epub: { name: "epub", title: "EPUB", apart: true, largest: 64 * mebibyte },
  notebook: { name: "notebook", title: "a Jupyter notebook", apart: true, largest: 64 * mebibyte },
  mail: { name: "mail", title: "a mail", apart: true, largest: 64 * mebibyte },
  mbox: { name: "mbox", title: "a mailbox", apart: true, largest: 64 * mebibyte },
  json: { name: "json", title: "JSON", apart: true, largest: 5 * mebibyte },
  lines: { name: "lines", title: "a table of lines", apart: false, largest: 5 * mebibyte },
  "utf-16": { name: "utf-16", title: "UTF-16 text", apart: true, largest: 5 * mebibyte },
};

const byExtension: Readonly<Record<string, FormatName>> = {
  html: "html",
  htm: "html",
  xhtml: "html",
  pdf: "pdf",
  docx: "docx",
  docm: "docx",
  dotx: "docx",
  odt: "odt",
  ott: "odt",
  epub: "epub",
  ipynb: "notebook",
  eml: "mail",
  mbox: "mbox",
  json: "json",
  geojson: "json",
  jsonl: "lines",
  ndjson: "lines",
  csv: "lines",
  tsv: "lines",
};

/**
 * Which reader a file goes to: by its name, and by its first bytes where these are plain; undefined when it is to be read as plain text. Whether
 * it is what it claims to be is for its reader to find.
 */
export function formatOf(path: string, firstBytes: Uint8Array): Format | undefined {
  const extension = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  const named = Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined;
  const utf16 =
    (firstBytes[0] === 0xff && firstBytes[1] === 0xfe) || (firstBytes[0] === 0xfe && firstBytes[1] === 0xff);
  // What is searched as its own bytes has to be UTF-8; the others decode by themselves.
  if (utf16 && (named === undefined || named === "json" || named === "lines")) return formats["utf-16"];
  if (named !== undefined) return formats[named];
  return Buffer.from(firstBytes.subarray(0, 5)).toString("latin1") === "%PDF-" ? formats.pdf : undefined;
}
