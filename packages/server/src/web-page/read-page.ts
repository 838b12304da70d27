import { type ChildNode, type Element, isTag, isText, type ParentNode } from "domhandler";
import { createCascade } from "./cascade.ts";
import { nothing, toMarkdown, type View } from "./markdown.ts";
import { parseHtml } from "./parse-html.ts";
import { parseStyleSheet, type Rule } from "./style-sheet.ts";
import { canSee, look, page, type Sight } from "./visibility.ts";

export interface PageRequest {
  readonly html: string;
  /** Where the page came from: what its links are relative to. */
  readonly url: string;
  /** The readable part as Markdown, or all the words that can be seen. */
  readonly as: "markdown" | "text";
}

export interface Page {
  readonly title?: string;
  readonly text: string;
  /** Characters of text that the page's own styles hide from a reader, and that were left out. */
  readonly hidden: number;
}

// Characters without a shape: words spelled in them are seen by a model and by nobody else. Joiners and emoji's variation selectors stay.
const shapeless = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

/**
 * Turns a page into what a person would read of it. What the page's attributes and its own style sheets hide is left out; style sheets that lie
 * elsewhere are not fetched, and scripts do not run.
 */
export function readPage({ html, url, as }: PageRequest): Page {
  const document = parseHtml(html);
  const elements = [...walk(document)];
  const rules = elements.filter(({ name }) => name === "style").flatMap(readStyle);
  const styleOf = createCascade(elements, rules);

  const seen = new Map<Element, Sight>();
  let hidden = 0;
  const visit = (parent: ParentNode, sight: Sight): void => {
    for (const child of parent.children) {
      if (isText(child)) hidden += canSee(sight) ? 0 : child.data.trim().length;
      if (!isTag(child)) continue;
      const own = look(child, styleOf(child), sight);
      if (own) {
        seen.set(child, own);
        visit(child, own);
      } else if (!silent.has(child.name)) hidden += countText(child);
    }
  };
  visit(document, page);

  const base = elements.find(({ name, attribs }) => name === "base" && attribs.href !== undefined)?.attribs.href;
  const view: View = {
    text: (node) => {
      const sight = node.parent && isTag(node.parent) ? seen.get(node.parent) : undefined;
      return isText(node) && sight && canSee(sight) ? node.data.replace(shapeless, "") : undefined;
    },
    children: (element) => (seen.has(element) ? element.children : nothing),
    resolve: createResolve(url, base),
    plain: as === "text",
  };
  const title = elements.find(
    ({ name, parent }) => name === "title" && parent && isTag(parent) && parent.name === "head",
  );
  const words = title ? rawText(title).replace(shapeless, "").replace(/\s+/g, " ").trim().slice(0, 500) : "";
  const body = elements.filter(({ name }) => name === "body" || name === "frameset").slice(0, 1);
  const whole = (): string => toMarkdown(body, view);
  return {
    ...(words !== "" && { title: words }),
    text: as === "text" ? whole() : readMain(elements, view) || whole(),
    hidden,
  };
}

function* walk(parent: ParentNode): Generator<Element> {
  const stack: ChildNode[] = parent.children.toReversed();
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (!isTag(node)) continue;
    yield node;
    for (let at = node.children.length - 1; at >= 0; at--) stack.push(node.children[at] as ChildNode);
  }
}

// Their text is no text of the page.
const silent = new Set([
  "script",
  "style",
  "head",
  "title",
  "template",
  "noscript",
  "svg",
  "link",
  "meta",
  "object",
  "iframe",
  "option",
  "select",
  "textarea",
  "datalist",
]);

const countText = (element: Element): number =>
  element.children.reduce((sum, child) => {
    if (isText(child)) return sum + child.data.trim().length;
    return isTag(child) && !silent.has(child.name) ? sum + countText(child) : sum;
  }, 0);

const rawText = (element: Element): string =>
  element.children.map((child) => (isText(child) ? child.data : "")).join("");

function readStyle(element: Element): readonly Rule[] {
  const { type = "text/css", media = "" } = element.attribs;
  return type === "" || type.toLowerCase() === "text/css" ? parseStyleSheet(rawText(element), media.toLowerCase()) : [];
}

const around = new Set(["nav", "footer", "aside"]);
const roles = new Set([
  "navigation",
  "banner",
  "contentinfo",
  "complementary",
  "search",
  "menu",
  "menubar",
  "toolbar",
  "dialog",
  "alertdialog",
]);

/** The part that the page is about: its main element or only article, else the body, without what stands around it. */
function readMain(elements: readonly Element[], view: View): string {
  const visible = elements.filter((element) => view.children(element) !== nothing);
  const mains = visible.filter(({ name, attribs }) => name === "main" || attribs.role === "main");
  const articles = visible.filter(({ name, attribs }) => name === "article" || attribs.role === "article");
  const [root] = mains.length === 1 ? mains : articles.length === 1 ? articles : [];
  const body = visible.find(({ name }) => name === "body");
  const inner: View = {
    ...view,
    children: (element) => (element !== root && isAround(element) ? nothing : view.children(element)),
  };
  const text = root ? toMarkdown([root], inner) : "";
  // A main element that holds next to nothing is not where the page's text is.
  const rest = body ? toMarkdown([body], inner) : "";
  return text.length * 4 >= rest.length ? text : rest;
}

const isAround = ({ name, attribs }: Element): boolean => around.has(name) || roles.has(attribs.role ?? "");

function createResolve(url: string, base: string | undefined): View["resolve"] {
  const from = base !== undefined && URL.canParse(base, url) ? new URL(base, url).href : url;
  return (address) => {
    const trimmed = address.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.length > 2_000 || !URL.canParse(trimmed, from))
      return undefined;
    const { protocol, href } = new URL(trimmed, from);
    if (!/^(https?|mailto):$/.test(protocol)) return undefined;
    return href.replaceAll("(", "%28").replaceAll(")", "%29").replace(shapeless, "");
  };
}
