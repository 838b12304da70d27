import { compile } from "css-select";
import { parse, type Selector } from "css-what";
import type { Element } from "domhandler";
import { hides, relevant, toLonghands } from "./hiding-styles.ts";
import { type Declaration, parseDeclarations, type Rule } from "./style-sheet.ts";

/** The declared values of the properties that can hide an element. */
export type Style = ReadonlyMap<string, string>;

interface Winner {
  readonly value: string;
  readonly weight: number;
}

// States that no page is in when it is first seen.
const never = (): boolean => false;
const pseudos = Object.fromEntries(
  "hover active focus focus-within focus-visible visited target target-within fullscreen modal playing autofill popover-open user-valid user-invalid past future"
    .split(" ")
    .map((name) => [name, never]),
);

const important = 1e12;
const inline = 1e10;

/** Works out which declarations win for each element (CSS Cascade 5, without layers and origins). */
export function createCascade(elements: readonly Element[], rules: readonly Rule[]): (element: Element) => Style {
  const styles = new Map<Element, Map<string, Winner>>();
  const variables = new Map<string, string>();
  const candidates = createIndex(elements);

  const apply = (element: Element, { property, value, important: strong }: Declaration, weight: number): void => {
    const style = styles.get(element) ?? new Map<string, Winner>();
    styles.set(element, style);
    const total = weight + (strong ? important : 0);
    if ((style.get(property)?.weight ?? -1) <= total) style.set(property, { value, weight: total });
  };

  for (const [order, rule] of rules.entries()) {
    for (const { property, value } of rule.declarations) if (property.startsWith("--")) variables.set(property, value);
    const declarations = rule.declarations
      .flatMap((declaration) => toLonghands(withVariables(declaration, variables)))
      .filter((declaration) => relevant.has(declaration.property) && (rule.certain || hides(declaration)));
    if (declarations.length === 0) continue;
    for (const selector of readSelector(rule.selector)) {
      const matches = toPredicate(selector);
      if (!matches) continue;
      const weight = toSpecificity(selector) * 1e5 + Math.min(order, 99_999);
      for (const element of candidates(selector)) {
        if (matches(element)) for (const declaration of declarations) apply(element, declaration, weight);
      }
    }
  }
  for (const element of elements) {
    if (element.attribs.style === undefined) continue;
    for (const declaration of parseDeclarations(element.attribs.style)) {
      for (const longhand of toLonghands(withVariables(declaration, variables))) {
        if (relevant.has(longhand.property)) apply(element, longhand, inline);
      }
    }
  }
  const none: Style = new Map();
  return (element) => {
    const style = styles.get(element);
    return style ? new Map(Array.from(style, ([property, { value }]) => [property, value])) : none;
  };
}

const withVariables = (declaration: Declaration, variables: ReadonlyMap<string, string>): Declaration => ({
  ...declaration,
  value: declaration.value.replace(
    /var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)/g,
    (_, name: string, fallback = "") => variables.get(name) ?? fallback,
  ),
});

function readSelector(text: string): readonly Selector[][] {
  try {
    return parse(text);
  } catch {
    return [];
  }
}

function toPredicate(selector: Selector[]): ((element: Element) => boolean) | undefined {
  if (selector.some(({ type }) => type === "pseudo-element")) return undefined;
  try {
    return compile<Element, Element>([selector], { pseudos, cacheResults: false });
  } catch {
    return undefined;
  }
}

const combinators = new Set(["descendant", "child", "parent", "sibling", "adjacent", "column-combinator"]);

/** Which elements a selector can match at all, by an id, a class or a name of its last part. */
function createIndex(elements: readonly Element[]): (selector: readonly Selector[]) => readonly Element[] {
  const index = new Map<string, Element[]>();
  const add = (key: string, element: Element): void => {
    const list = index.get(key);
    if (list) list.push(element);
    else index.set(key, [element]);
  };
  for (const element of elements) {
    add(element.name, element);
    if (element.attribs.id !== undefined) add(`#${element.attribs.id}`, element);
    for (const name of new Set(element.attribs.class?.split(/\s+/))) add(`.${name}`, element);
  }
  return (selector) => {
    const last = selector.slice(selector.findLastIndex(({ type }) => combinators.has(type)) + 1);
    let best = elements;
    for (const part of last) {
      const key = toKey(part);
      const list = key === undefined ? best : (index.get(key) ?? []);
      if (list.length < best.length) best = list;
    }
    return best;
  };
}

function toKey(part: Selector): string | undefined {
  if (part.type === "tag") return part.name.toLowerCase();
  if (part.type !== "attribute" || part.ignoreCase === true) return undefined;
  if (part.name === "class" && part.action === "element") return `.${part.value}`;
  return part.name === "id" && part.action === "equals" ? `#${part.value}` : undefined;
}

/** Ids count 10,000, classes, attributes and pseudo-classes 100, names 1 (Selectors 4, 17). */
function toSpecificity(selector: readonly Selector[]): number {
  return Math.min(
    99_999,
    selector.reduce((sum, part) => {
      if (part.type === "tag") return sum + 1;
      if (part.type === "attribute") return sum + (part.name === "id" ? 10_000 : 100);
      if (part.type !== "pseudo" || part.name === "where") return sum;
      return sum + (Array.isArray(part.data) ? Math.max(0, ...part.data.map(toSpecificity)) : 100);
    }, 0),
  );
}
