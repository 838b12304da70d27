import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";
import type { Fault } from "./fault.ts";
import { checkShape, type Shape } from "./shape.ts";

/** One file as text. `path` is what faults are reported under. */
export interface YamlText {
  readonly path: string;
  readonly text: string;
}

/** A document, and where its parts stand. */
export interface YamlDocument<T> {
  readonly path: string;
  /** False when parts were left out because of faults: it can be searched for more of them, and for nothing else. */
  readonly whole: boolean;
  /** Which document of its file, from 0. */
  readonly index: number;
  readonly value: T;
  /** Line and column, from 1, of the part at the end of `keys`, or of the nearest part around it. */
  locate(keys: readonly (string | number)[]): { readonly line: number; readonly column: number };
}

export interface YamlFile<T> {
  readonly path: string;
  readonly documents: readonly YamlDocument<T>[];
  /** The faults of form, in the order of their places. With one fault, nothing of the file may take effect. */
  readonly faults: readonly Fault[];
}

export interface Form<T> {
  readonly schema: unknown;
  /** What is left of a document without the parts at these offsets; undefined when nothing is. */
  prune(contents: unknown, value: unknown, wrong: ReadonlySet<number>): T | undefined;
}

/** The most characters in one file. */
const maxLength = 1_048_576;
const maxAliasCount = 100;

/**
 * Parses a file: YAML 1.2 with the core schema, one or more documents. Keys given twice, unknown tags and anchors that multiply into more
 * than the file are faults, and so is all that the form does not know.
 */
export function readYaml<T>({ path, text }: YamlText, form: Form<T>): YamlFile<T> {
  const at = (message: string): YamlFile<T> => ({
    path,
    documents: [],
    faults: [{ path, line: 1, column: 1, message }],
  });
  if (text.length > maxLength) return at(`A policy file may have ${maxLength} characters at most.`);
  const hidden = findHidden(text);
  if (hidden) return { path, documents: [], faults: [{ path, ...hidden }] };
  const lines = new LineCounter();
  const options = {
    version: "1.2",
    schema: "core",
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: "silent",
  } as const;
  const parsed = [...parseAllDocuments(text, { ...options, lineCounter: lines })];
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const documents: YamlDocument<T>[] = [];
  const faults: Fault[] = [];
  const report = (offset: number, message: string, suggestion?: string): void => {
    faults.push({ path, ...place(offset), message, ...(suggestion !== undefined && { suggestion }) });
  };
  for (const [index, document] of parsed.entries()) {
    const before = faults.length;
    for (const error of [...document.errors, ...document.warnings]) report(error.pos[0], toMessage(error));
    const { contents } = document;
    if (faults.length > before || contents === null || (isScalar(contents) && contents.value === null)) continue;
    const value = toValue(document, report);
    if (value === undefined) continue;
    const wrong = new Set<number>();
    checkShape({
      node: contents as Node,
      schema: form.schema as Shape,
      document,
      report: (offset, message, suggestion) => {
        wrong.add(offset);
        report(offset, message, suggestion);
      },
    });
    const locate: YamlDocument<T>["locate"] = (keys) => place(offsetOf(document, keys));
    const kept = wrong.size === 0 ? (value as T) : form.prune(contents, value, wrong);
    if (kept) documents.push({ path, whole: wrong.size === 0, index, value: kept, locate });
  }
  faults.sort((a, b) => a.line - b.line || a.column - b.column);
  return { path, documents, faults };
}

function toValue(document: Document, report: (offset: number, message: string) => void): unknown {
  try {
    return document.toJS({ maxAliasCount }) as unknown;
  } catch (error) {
    if (error instanceof RangeError) report(document.contents?.range?.[0] ?? 0, tooDeep);
    else if (!reportDangling(document, report))
      report(document.contents?.range?.[0] ?? 0, `${(error as Error).message.replace(/\.$/, "")}.`);
    return undefined;
  }
}

/** Reports every alias that nothing stands for; false when there is none. */
function reportDangling(document: Document, report: (offset: number, message: string) => void): boolean {
  let found = false;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return;
      found = true;
      report(alias.range?.[0] ?? 0, `This alias stands for nothing: there is no anchor &${alias.source} before it.`);
    },
  });
  return found;
}

/**
 * The first character that nobody sees where it stands: what YAML allows only as an escape (1.2, c-printable), and what turns the order of the
 * text around it, so that a policy would read otherwise than it counts.
 */
function findHidden(text: string): Omit<Fault, "path"> | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const found = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/.exec(
    text,
  );
  if (!found) return undefined;
  const before = text.slice(0, found.index).split("\n");
  const code = found[0].charCodeAt(0).toString(16).padStart(4, "0");
  return {
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message: `The control character U+${code.toUpperCase()} cannot stand here unseen.`,
    suggestion: `"\\u${code}"`,
  };
}

const tooDeep = "This is nested too deeply for a policy.";

function offsetOf(document: Document, keys: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of [...keys, undefined]) {
    const range = (node as Node | null | undefined)?.range;
    if (range) offset = range[0];
    if (isAlias(node)) node = node.resolve(document);
    if (key === undefined) break;
    if (isMap(node) || isSeq(node)) node = node.get(key, true);
    else break;
  }
  return offset;
}

function toMessage({ code, message }: YAMLError): string {
  if (code === "DUPLICATE_KEY") return "This key stands here twice.";
  if (code === "TAB_AS_INDENT") return "YAML is indented with spaces, not with tabs.";
  if (message.startsWith("Maximum call stack")) return tooDeep;
  return `This is no YAML: ${message.split("\n")[0]?.replace(/[.:]$/, "")}.`;
}
