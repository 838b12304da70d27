import type { TSchema } from "typebox";
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { meets } from "./meets.ts";
import { nearest } from "./nearest.ts";

/** As much of JSON Schema as the policy's schema uses for its structure. */
export interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  readonly items?: Shape;
  readonly minItems?: number;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly maxLength?: number;
}

interface Check {
  readonly node: Node;
  readonly schema: Shape;
  readonly document: Document;
  report(offset: number, message: string, suggestion?: string): void;
}

/**
 * Holds YAML nodes against a schema and reports every misfit at its own node. A general validator knows values, not places, and stops telling
 * after a few; the leaves are still its to judge.
 */
export function checkShape(check: Check): void {
  const { document, report } = check;
  const node = isAlias(check.node) ? check.node.resolve(document) : check.node;
  const schema = choose(check.schema, node);
  if (isMap(node) && (schema.properties || schema.patternProperties)) {
    checkMap({ ...check, schema, node });
  } else if (isSeq(node) && schema.type === "array") {
    if (node.items.length < (schema.minItems ?? 0))
      report(toOffset(node), "This list is empty: name something, or leave the key out.");
    for (const item of node.items) checkShape({ ...check, node: item as Node, schema: schema.items ?? {} });
  } else if (isScalar(node) && typeof node.value === "string" && !node.value.isWellFormed()) {
    report(toOffset(check.node), "Half of a surrogate pair is no character.");
  } else if (!isScalar(node) || schema.type === "array" || !meets(schema as unknown as TSchema, node.value)) {
    const meant = isScalar(node) && typeof node.value === "string" ? nearest(node.value, schema.enum ?? []) : undefined;
    report(toOffset(check.node), `Here belongs ${describe(check.schema)}.`, meant);
  }
}

const toOffset = (node: unknown): number => (node as Node | null | undefined)?.range?.[0] ?? 0;

function checkMap(check: Check & { readonly node: YAMLMap }): void {
  const { node, schema, report } = check;
  const known = Object.keys(schema.properties ?? {});
  const others = Object.values(schema.patternProperties ?? {})[0];
  const given = new Set<string>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? String(key.value) : undefined;
    const offset = toOffset(key);
    const inner =
      name !== undefined && Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : others;
    if (name === undefined || inner === undefined) {
      const what = name === undefined ? "A key is a plain word." : `There is no key ${JSON.stringify(name)} here.`;
      report(offset, what, name === undefined ? undefined : nearest(name, known));
      continue;
    }
    given.add(name);
    if (value === null) report(offset, `${JSON.stringify(name)} has no value: here belongs ${describe(inner)}.`);
    else checkShape({ ...check, node: value as Node, schema: inner });
  }
  const start = toOffset(node);
  for (const name of schema.required ?? []) if (!given.has(name)) report(start, `The key ${name} is missing here.`);
  for (const [name, wanted] of Object.entries(schema.dependentRequired ?? {})) {
    for (const other of wanted)
      if (given.has(name) && !given.has(other)) report(start, `A document with ${name} needs ${other} too.`);
  }
  const choices = schema.properties ? (schema.anyOf ?? []) : [];
  if (choices.length > 0 && !choices.some(({ required }) => required?.every((name) => given.has(name))))
    report(start, "A policy document needs subject and scopes, or groups.");
}

/** Of a choice between a text and a list, the branch that the node is meant for. */
function choose(schema: Shape, node: unknown): Shape {
  if (schema.properties || !schema.anyOf) return schema;
  const wanted = isSeq(node) ? "array" : isMap(node) ? "object" : "string";
  return schema.anyOf.find(({ type }) => type === wanted) ?? schema.anyOf[0] ?? schema;
}

function describe(schema: Shape): string {
  if (schema.anyOf && !schema.properties) return schema.anyOf.map(describe).join(" or ");
  if (schema.enum) return `one of ${schema.enum.join(", ")}`;
  if (schema.const !== undefined) return schema.const;
  switch (schema.type) {
    case "array":
      return schema.items?.type === "string" ? "a list of texts" : "a list";
    case "integer":
      return `a whole number of at least ${schema.minimum ?? 0}${schema.maximum === undefined ? "" : ` and at most ${schema.maximum}`}`;
    case "number":
      return `a number above ${schema.exclusiveMinimum ?? 0}${schema.maximum === undefined ? "" : ` and at most ${schema.maximum}`}`;
    case "string":
      return `a text${schema.maxLength === undefined ? "" : ` of 1 to ${schema.maxLength} characters`}`;
    case "boolean":
      return "true or false";
    default:
      return "a group of keys";
  }
}
