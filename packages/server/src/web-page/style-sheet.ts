/** One `property: value` of a style sheet or a `style` attribute: lower case, CSS escapes decoded. */
export interface Declaration {
  readonly property: string;
  readonly value: string;
  readonly important: boolean;
}

/** A rule with a selector. `certain` is false where it hangs on a condition whose outcome in the reader's browser is unknown. */
export interface Rule {
  readonly selector: string;
  readonly declarations: readonly Declaration[];
  readonly certain: boolean;
}

interface Block {
  readonly prelude: string;
  readonly body: string;
}

interface Scope {
  readonly parent: string | undefined;
  readonly certain: boolean;
  readonly depth: number;
}

const deepest = 16;

/** Reads the rules of a style sheet in time linear in its length, nested and conditional ones included; what it cannot read it skips. */
export function parseStyleSheet(css: string, media = ""): readonly Rule[] {
  const rules: Rule[] = [];
  const certainty = judgeMedia(media);
  if (certainty !== "false") {
    collect(stripComments(css), { parent: undefined, certain: certainty === "true", depth: 0 }, rules);
  }
  return rules;
}

export const parseDeclarations = (css: string): readonly Declaration[] =>
  split(stripComments(css)).statements.flatMap(toDeclaration);

function collect(css: string, scope: Scope, rules: Rule[]): void {
  const { statements, blocks } = split(css);
  if (scope.parent !== undefined) {
    const declarations = statements.flatMap(toDeclaration);
    if (declarations.length > 0) rules.push({ selector: scope.parent, declarations, certain: scope.certain });
  }
  if (scope.depth === deepest) return;
  for (const { prelude, body } of blocks) {
    const depth = scope.depth + 1;
    if (!prelude.startsWith("@")) {
      collect(body, { ...scope, depth, parent: nest(prelude, scope.parent) }, rules);
      continue;
    }
    const [, name, condition = ""] = /^@([\w-]+)\s*([\s\S]*)$/.exec(prelude) ?? [];
    if (name === "media") {
      const certainty = judgeMedia(condition);
      if (certainty !== "false")
        collect(body, { ...scope, depth, certain: scope.certain && certainty === "true" }, rules);
    } else if (name === "layer") collect(body, { ...scope, depth }, rules);
    else if (name === "supports" || name === "container" || name === "scope") {
      collect(body, { ...scope, depth, certain: false }, rules);
    }
  }
}

const nest = (selector: string, parent: string | undefined): string => {
  if (parent === undefined) return selector;
  return selector.includes("&") ? selector.replaceAll("&", `:is(${parent})`) : `:is(${parent}) ${selector}`;
};

/** Whether a reader at a desktop screen, in light colours, meets the condition. */
function judgeMedia(condition: string): "true" | "false" | "unknown" {
  const queries = condition.toLowerCase().split(",").map(judgeQuery);
  if (queries.includes("true")) return "true";
  return queries.includes("unknown") ? "unknown" : "false";
}

const desktopWidth = 1_280;
const untrue =
  /^(print|speech|tty|tv|\(prefers-color-scheme: ?dark\)|\(prefers-contrast: ?more\)|\(forced-colors: ?active\)|\(scripting: ?none\))$/;

function judgeQuery(query: string): "true" | "false" | "unknown" {
  const parts = query
    .trim()
    .replace(/^only\s+/, "")
    .split(/\s+and\s+/);
  let result: "true" | "unknown" = "true";
  for (const part of parts) {
    const [, bound, value, unit] = /^\(\s*(min|max)-width\s*:\s*([\d.]+)\s*(px|r?em)\s*\)$/.exec(part) ?? [];
    if (part === "" || part === "all" || part === "screen") continue;
    if (untrue.test(part)) return "false";
    if (bound === undefined) result = "unknown";
    else {
      const pixels = Number(value) * (unit === "px" ? 1 : 16);
      if (bound === "min" ? pixels > desktopWidth : pixels < desktopWidth) return "false";
    }
  }
  return result;
}

function toDeclaration(statement: string): readonly Declaration[] {
  const colon = statement.indexOf(":");
  if (colon < 1 || statement.startsWith("@")) return [];
  const property = decodeEscapes(statement.slice(0, colon)).trim();
  const text = decodeEscapes(statement.slice(colon + 1))
    .trim()
    .toLowerCase();
  const value = text.replace(/ ?! ?important$/, "");
  return [
    { property: property.startsWith("--") ? property : property.toLowerCase(), value, important: value !== text },
  ];
}

const decodeEscapes = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\(?:([0-9a-f]{1,6})\s?|([^\n]))/gi, (_, hex: string | undefined, character: string | undefined) =>
        hex === undefined ? (character ?? "") : String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff)),
      )
    : text;

const stripComments = (css: string): string => css.replace(/\/\*[\s\S]*?(?:\*\/|$)/g, " ");

/** Splits at `;` and `{…}` outside of strings, brackets and escapes. */
function split(css: string): { readonly statements: readonly string[]; readonly blocks: readonly Block[] } {
  const statements: string[] = [];
  const blocks: Block[] = [];
  let start = 0;
  let brackets = 0;
  for (let at = 0; at < css.length; at++) {
    const character = css[at];
    if (character === "\\") at++;
    else if (character === '"' || character === "'") at = endOfString(css, at);
    else if (character === "(" || character === "[") brackets++;
    else if (character === ")" || character === "]") brackets = Math.max(0, brackets - 1);
    else if (character === ";" && brackets === 0) {
      statements.push(css.slice(start, at).trim());
      start = at + 1;
    } else if (character === "{") {
      const end = endOfBlock(css, at);
      blocks.push({ prelude: css.slice(start, at).trim(), body: css.slice(at + 1, end) });
      brackets = 0;
      at = end;
      start = end + 1;
    } else if (character === "}") start = at + 1;
  }
  statements.push(css.slice(start).trim());
  return { statements, blocks };
}

function endOfString(css: string, start: number): number {
  const quote = css[start];
  for (let at = start + 1; at < css.length; at++) {
    if (css[at] === "\\") at++;
    else if (css[at] === quote || css[at] === "\n") return at;
  }
  return css.length;
}

function endOfBlock(css: string, start: number): number {
  let depth = 0;
  for (let at = start; at < css.length; at++) {
    const character = css[at];
    if (character === "\\") at++;
    else if (character === '"' || character === "'") at = endOfString(css, at);
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at;
  }
  return css.length;
}
