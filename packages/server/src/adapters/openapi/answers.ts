import { createCheck } from "../../upstream/check-value.ts";
import { isObject, type JsonSchema } from "../../upstream/read-schema.ts";
import { DocumentFault } from "./fault.ts";
import type { Operation } from "./operations.ts";
import { type ApiDocument, follow } from "./read-document.ts";
import { toJsonSchema } from "./schemas.ts";

/** What an operation's answers are to look like. */
export interface Answers {
  /** What a value lacks of what the document promises for a status, as a sentence; undefined when it fits or nothing is promised. */
  misfit(status: number, value: unknown): string | undefined;
  /** What callers are told of a good answer; `$defs` in it belong to the root of the schema that it is put into. */
  readonly shown: JsonSchema;
}

/** Reads what is promised of good answers in JSON. A schema that cannot be used promises nothing, and `tell` hears of it. */
export function readAnswers(document: ApiDocument, operation: Operation, tell: (message: string) => void): Answers {
  const responses = isObject(operation.raw.responses) ? operation.raw.responses : {};
  const checks = new Map<string, ReturnType<typeof createCheck>>();
  const schemas: JsonSchema[] = [];
  for (const [status, one] of Object.entries(responses)) {
    if (!/^(2(\d\d|XX)|default)$/.test(status)) continue;
    const place = `${operation.place}/responses/${status}`;
    try {
      const content = follow(document, one, place).content;
      const [, media] = Object.entries(isObject(content) ? content : {}).find(([type]) => isJson(type)) ?? [];
      if (!isObject(media) || media.schema === undefined) continue;
      const schema = toJsonSchema(document, media.schema, { place, direction: "answer" });
      checks.set(status, createCheck(schema));
      if (status !== "default") schemas.push(schema);
    } catch (error) {
      if (!(error instanceof DocumentFault)) throw error;
      tell(`The answers of ${operation.id} are not checked. ${error.message}`);
    }
  }
  const [only] = schemas;
  const shown = schemas.length === 1 && only ? loosen(only) : {};
  return {
    misfit(status, value) {
      const check = checks.get(String(status)) ?? checks.get("2XX") ?? checks.get("default");
      if (!check || check(value)) return undefined;
      const [first] = check.errors ?? [];
      return `${first?.instancePath || "the whole of it"} ${first?.message ?? "does not fit"}`.slice(0, 300);
    },
    // What is too long to be told is checked all the same.
    shown: JSON.stringify(shown).length > longestShown ? {} : shown,
  };
}

const longestShown = 16_384;

/** Whether a media type is JSON, parameters aside. */
export const isJson = (type: string): boolean => /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type);

const kept = new Set(["type", "title", "description", "$ref"]);
const inner = ["properties", "$defs"] as const;
const lists = ["anyOf", "oneOf", "allOf", "prefixItems"] as const;

/**
 * The shape alone: what a mask in the place of a secret cannot break, and what no client's engine can be held up by. Numbers and truths may be masked as
 * well, so that a text may stand in the place of each.
 */
function loosen(schema: JsonSchema): JsonSchema {
  const copy: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "type")
      copy.type = [...new Set([value].flat().concat(value === "object" || value === "array" ? [] : "string"))];
    else if (kept.has(keyword)) copy[keyword] = value;
  }
  if (isObject(schema.items)) copy.items = loosen(schema.items);
  for (const keyword of inner) {
    const map = schema[keyword];
    if (isObject(map))
      copy[keyword] = Object.fromEntries(
        Object.entries(map).map(([name, one]) => [name, isObject(one) ? loosen(one) : {}]),
      );
  }
  for (const keyword of lists) {
    const list = schema[keyword];
    // What fitted one of them only may fit more once it is loosened.
    if (Array.isArray(list))
      copy[keyword === "oneOf" ? "anyOf" : keyword] = list.map((one) => (isObject(one) ? loosen(one) : {}));
  }
  return copy;
}
