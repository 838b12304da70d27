import { isMap, isScalar, isSeq, type Node } from "yaml";
import { PolicyDocument } from "./document.ts";
import { meets } from "./meets.ts";

/**
 * What is left of a document without its faulty parts, so that the faults of the rest can be told in the same go; undefined when nothing is. The
 * result never decides anything.
 */
export function prune(contents: unknown, value: unknown, faults: ReadonlySet<number>): PolicyDocument | undefined {
  const rest = without({ node: contents, value, faults, depth: 0 }) as Record<string, unknown> | undefined;
  if (typeof rest !== "object" || rest === null) return undefined;
  if (Array.isArray(rest.scopes)) {
    rest.scopes = rest.scopes.map((scope: object) => ({ tool: "*", ...scope }));
    rest.subject ??= "*";
  } else delete rest.subject;
  return meets(PolicyDocument, rest) ? rest : undefined;
}

const isAt = (node: unknown, offsets: ReadonlySet<number>): boolean =>
  offsets.has((node as Node | null)?.range?.[0] ?? -1);

interface Part {
  readonly node: unknown;
  readonly value: unknown;
  readonly faults: ReadonlySet<number>;
  readonly depth: number;
}

/** How deep a scope's keys lie: what holds less than it should below them is dropped as a whole. */
const inScope = 3;

function without({ node, value, faults, depth }: Part): unknown {
  const inner = (child: unknown, its: unknown): unknown =>
    without({ node: child, value: its, faults, depth: depth + 1 });
  if (isSeq(node) && Array.isArray(value)) {
    const items = node.items.map((item, index) => inner(item, value[index])).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  if (isMap(node) && typeof value === "object" && value !== null) {
    const kept: [string, unknown][] = [];
    for (const { key, value: child } of node.items) {
      if (!isScalar(key) || isAt(key, faults)) continue;
      const name = String(key.value);
      const rest = inner(child, (value as Record<string, unknown>)[name]);
      if (rest !== undefined) kept.push([name, rest]);
    }
    const partial = depth >= inScope && kept.length < node.items.length;
    return kept.length > 0 && !partial ? Object.fromEntries(kept) : undefined;
  }
  return isAt(node, faults) ? undefined : value;
}
