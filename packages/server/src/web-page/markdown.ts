import { type ChildNode, type Element, isTag, isText } from "domhandler";

/** What to write: the nodes that a reader can see, and how an address in the page is to be read. */
export interface View {
  /** The text of a text node, undefined when it cannot be seen. */
  readonly text: (node: ChildNode) => string | undefined;
  /** The children of an element to go into: none when the element cannot be seen or does not matter. */
  readonly children: (element: Element) => readonly ChildNode[];
  /** The absolute address of a link or picture, undefined when it is none that can be followed. */
  readonly resolve: (address: string) => string | undefined;
  /** True to write the words alone, without Markdown's marks. */
  readonly plain: boolean;
}

const inlineNames = new Set(
  (
    "a abbr acronym b bdi bdo big button cite code data del dfn em font i img ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr br ruby rt " +
    "rb nobr picture source"
  ).split(" "),
);

const headings: Readonly<Record<string, string>> = {
  h1: "# ",
  h2: "## ",
  h3: "### ",
  h4: "#### ",
  h5: "##### ",
  h6: "###### ",
};
const marks: Readonly<Record<string, string>> = {
  b: "**",
  strong: "**",
  em: "_",
  i: "_",
  del: "~~",
  s: "~~",
  strike: "~~",
};
const deepestIndent = 12;

/** Writes visible nodes as Markdown (CommonMark, with GFM's tables). */
export function toMarkdown(nodes: readonly ChildNode[], view: View): string {
  return writeBlocks(nodes, { view, depth: 0 })
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

interface Place {
  readonly view: View;
  readonly depth: number;
}

function writeBlocks(nodes: readonly ChildNode[], place: Place): string {
  const blocks: string[] = [];
  let line: string[] = [];
  const flush = (): void => {
    const text = tidy(line.join(""));
    if (text !== "") blocks.push(place.view.plain ? text : text.replace(/^(#{1,6} |[>+-] |\d{1,9}[.)] )/gm, "\\$1"));
    line = [];
  };
  for (const node of nodes) {
    if (!isTag(node) || isInline(node)) line.push(writeInline(node, place));
    else {
      flush();
      const block = writeBlock(node, place);
      if (block.trim() !== "") blocks.push(block);
    }
  }
  flush();
  return blocks.join("\n\n");
}

const isInline = (element: Element): boolean =>
  element.name === "a" ||
  (inlineNames.has(element.name) && !element.children.some((child) => isTag(child) && !isInline(child)));

const tidy = (line: string): string =>
  line
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim();

function writeInline(node: ChildNode, place: Place): string {
  const { view } = place;
  if (isText(node)) return escapeMarks((view.text(node) ?? "").replace(/\s+/g, " "), view);
  if (!isTag(node)) return "";
  const inner = (): string =>
    view
      .children(node)
      .map((child) => writeInline(child, place))
      .join(isInline(node) ? "" : " ");
  switch (node.name) {
    case "br":
      return view.children(node) === nothing ? "" : "\n";
    case "img":
      return writeImage(node, view);
    case "a":
      return writeLink(node, inner().replace(/\s+/g, " "), view);
    case "code":
    case "kbd":
    case "samp":
    case "tt":
      return writeCode(readText(node, view), view);
    default:
      return mark(inner(), view.plain ? "" : (marks[node.name] ?? ""));
  }
}

/** What `View.children` answers for an element that is left out. */
export const nothing: readonly ChildNode[] = Object.freeze([]);

function mark(inner: string, sign: string): string {
  const text = inner.trim();
  if (text === "" || sign === "") return inner;
  const start = inner.length - inner.trimStart().length;
  return `${inner.slice(0, start)}${sign}${text}${sign}${inner.slice(start + text.length)}`;
}

const escapeMarks = (text: string, view: View): string =>
  view.plain ? text : text.replace(/[\\`*[\]]|<(?=[a-z/!?])|(?<!\w)_|_(?!\w)/gi, "\\$&");

function writeLink(element: Element, inner: string, view: View): string {
  const address = view.plain ? undefined : view.resolve(element.attribs.href ?? "");
  const text = inner.trim();
  if (address === undefined || text === "") return inner;
  return `${inner.startsWith(" ") ? " " : ""}[${text}](${address})${inner.endsWith(" ") ? " " : ""}`;
}

function writeImage(element: Element, view: View): string {
  const alt = (element.attribs.alt ?? "").replace(/\s+/g, " ").trim().slice(0, 300);
  if (alt === "" || view.plain || view.children(element) === nothing) return "";
  const address = view.resolve(element.attribs.src ?? "");
  return address === undefined ? "" : `![${escapeMarks(alt, view)}](${address})`;
}

function writeCode(text: string, view: View): string {
  const code = text.replace(/\s+/g, " ");
  if (view.plain || code.trim() === "") return code;
  const fence = "`".repeat(longestRun(code) + 1);
  return code.includes("`") ? `${fence} ${code} ${fence}` : `${fence}${code}${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));

function readText(node: ChildNode, view: View): string {
  if (isText(node)) return view.text(node) ?? "";
  if (!isTag(node)) return "";
  if (node.name === "br") return "\n";
  return view
    .children(node)
    .map((child) => readText(child, view))
    .join("");
}

function writeBlock(element: Element, place: Place): string {
  const { view, depth } = place;
  const children = view.children(element);
  const inside = { view, depth: Math.min(depth + 1, deepestIndent) };
  const blocks = (): string => writeBlocks(children, inside);
  switch (element.name) {
    case "h1":
    case "h2":
    case "h3":
    case "h4":
    case "h5":
    case "h6": {
      const text = children
        .map((child) => writeInline(child, place))
        .join("")
        .replace(/\s+/g, " ")
        .trim();
      return text === "" ? "" : (view.plain ? "" : (headings[element.name] ?? "")) + text;
    }
    case "ul":
    case "ol":
    case "menu":
      return writeList(element, children, inside);
    case "pre": {
      const code = readText(element, view).replace(/^\n/, "").trimEnd();
      const fence = "`".repeat(Math.max(3, longestRun(code) + 1));
      return view.plain || code === "" ? code : `${fence}\n${code}\n${fence}`;
    }
    case "blockquote":
      return view.plain || depth >= deepestIndent ? blocks() : indent(blocks(), "> ", "> ");
    case "table":
      return writeTable(element, inside) ?? blocks();
    case "hr":
      return view.plain || children === nothing ? "" : "---";
    case "dt":
      return mark(blocks(), view.plain ? "" : "**");
    default:
      return blocks();
  }
}

function writeList(list: Element, children: readonly ChildNode[], place: Place): string {
  let number = Number.parseInt(list.attribs.start ?? "1", 10) || 1;
  const items: string[] = [];
  for (const child of children) {
    if (!isTag(child)) continue;
    const content = writeBlocks(child.name === "li" ? place.view.children(child) : [child], place).trim();
    if (content === "") continue;
    const sign = list.name === "ol" ? `${number++}. ` : "- ";
    items.push(
      indent(
        content.replace(/\n\n(?=\s*([-*]|\d+\.) )/g, "\n"),
        sign,
        place.depth < deepestIndent ? " ".repeat(sign.length) : "",
      ),
    );
  }
  return items.join("\n");
}

const indent = (text: string, first: string, others: string): string =>
  first + text.replace(/\n/g, `\n${others}`).replaceAll(`\n${others}\n`, `\n${others.trimEnd()}\n`);

/** A table of data as a Markdown table; undefined for one that lays out a page. */
function writeTable(table: Element, place: Place): string | undefined {
  const rows = toRows(table, place.view);
  const width = Math.max(0, ...rows.map((row) => row.length));
  if (place.view.plain) return rows.map((row) => row.map((cell) => toCell(cell, place)).join("\t")).join("\n");
  if (rows.length < 2 || width < 2 || table.attribs.role === "presentation" || rows.some((row) => row.some(laysOut)))
    return undefined;
  const lines = rows.map((row) => {
    const cells = row.map((cell) => toCell(cell, place).replaceAll("|", "\\|"));
    return `| ${cells.concat(Array(width - cells.length).fill("")).join(" | ")} |`;
  });
  lines.splice(1, 0, `|${" --- |".repeat(width)}`);
  return lines.join("\n");
}

const toCell = (cell: Element, place: Place): string =>
  writeBlocks(place.view.children(cell), place).replace(/\s+/g, " ").trim();

const laysOut = (cell: Element): boolean =>
  cell.children.some((child) => isTag(child) && (child.name === "table" || laysOut(child)));

function toRows(part: Element, view: View): Element[][] {
  return view
    .children(part)
    .filter(isTag)
    .flatMap((child) => {
      if (child.name === "tr") return [view.children(child).filter(isTag)];
      return /^(thead|tbody|tfoot)$/.test(child.name) ? toRows(child, view) : [];
    });
}
