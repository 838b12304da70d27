import type { Document, Element, ParentNode } from "domhandler";
import { parse } from "parse5";
import { adapter } from "parse5-htmlparser2-tree-adapter";

/** A page that is no page: its tree is larger or deeper than any reader needs. */
class TooComplex extends Error {}

const mostElements = 200_000;
const deepest = 1_000;

/**
 * Parses HTML by the standard's own algorithm: where a lenient parser closes an element that a browser keeps open, text that nobody sees in a
 * browser would come out as visible. Throws `TooComplex` beyond 200,000 elements or 1,000 levels.
 */
export function parseHtml(html: string): Document {
  let elements = 0;
  const depths = new WeakMap<ParentNode, number>();
  const enter = (parent: ParentNode, child: Element): void => {
    const depth = (depths.get(parent) ?? 0) + 1;
    if (depth > deepest) throw new TooComplex(`The page nests more than ${deepest} elements.`);
    depths.set(child, depth);
  };
  const isParent = (node: unknown): node is Element => typeof node === "object" && node !== null && "attribs" in node;
  const bounded: typeof adapter = {
    ...adapter,
    createElement(name, namespace, attributes) {
      if (++elements > mostElements) throw new TooComplex(`The page has more than ${mostElements} elements.`);
      return adapter.createElement(name, namespace, attributes);
    },
    appendChild(parent, child) {
      if (isParent(child)) enter(parent, child);
      adapter.appendChild(parent, child);
    },
    insertBefore(parent, child, reference) {
      if (isParent(child)) enter(parent, child);
      adapter.insertBefore(parent, child, reference);
    },
  };
  return parse(html, { treeAdapter: bounded });
}
