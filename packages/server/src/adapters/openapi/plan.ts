import { isObject, type JsonSchema } from "../../upstream/read-schema.ts";
import { DocumentFault } from "./fault.ts";
import type { Operation } from "./operations.ts";
import { type ApiDocument, follow } from "./read-document.ts";
import { toJsonSchema } from "./schemas.ts";

/** How one argument is written into a request. */
export interface Part {
  /** Its name among the tool's arguments. */
  readonly argument: string;
  /** Its name in the request. */
  readonly name: string;
  readonly in: "path" | "query" | "header";
  /** How lists and objects are written (OpenAPI, parameter style); `json` for a value that is JSON as a whole. */
  readonly style: Style;
  readonly explode: boolean;
}

export type Style = "simple" | "form" | "spaceDelimited" | "pipeDelimited" | "deepObject" | "json";

export interface BodyPlan {
  readonly contentType: string;
  readonly form: "json" | "urlencoded" | "text";
}

/** What a call of an operation is made of. */
export interface Plan {
  readonly method: string;
  readonly path: string;
  readonly parts: readonly Part[];
  /** Names that no argument may give a parameter of the query. */
  readonly reserved: ReadonlySet<string>;
  readonly body?: BodyPlan;
  /** One schema for all arguments. */
  readonly input: JsonSchema;
}

export interface Fixed {
  /** Names of the query's parameters and of headers that the owner has set, in lower case where they are headers. */
  readonly query: ReadonlySet<string>;
  readonly headers: ReadonlySet<string>;
}

/** Argument names that mean something else here, and what they are called instead. */
const renamed: ReadonlyMap<string, string> = new Map([
  ["purpose", "toolPurpose"],
  ["body", "bodyParameter"],
  ["pages", "pagesParameter"],
]);

/** Headers that are never an argument: OpenAPI leaves these to others, and the rest would ask for another thing than was judged. */
const closedHeaders =
  /^(accept|accept-encoding|authorization|content-type|content-length|host|connection|cookie2?|te|trailer|transfer-encoding|upgrade|expect|forwarded|x-forwarded-.*|x-(http-)?method(-override)?|x-original-(url|method)|x-rewrite-url|proxy-.*|sec-.*)$/i;
const mostParts = 100;
/** Characters of one tool's input schema: each client is told all of them, again and again. */
const longestInput = 65_536;

/** Plans the calls of an operation. Throws `DocumentFault` for one that cannot be called from here. */
export function plan(document: ApiDocument, operation: Operation, fixed: Fixed): Plan {
  const { path, place, method } = operation;
  const parts: Part[] = [];
  const properties: Record<string, unknown> = {};
  const required: string[] = [];
  const $defs: Record<string, unknown> = {};
  const refuse = (what: string, at = place): DocumentFault =>
    new DocumentFault(at, what, "Leave this operation out of `operations`.");

  const put = (argument: string, schema: JsonSchema, { needed, said }: Put): void => {
    const { $defs: own, ...rest } = schema;
    const described = said === undefined || rest.description !== undefined ? rest : { ...rest, description: said };
    // Each schema's own definitions get a name of their own in the common one.
    const mark = `p${Object.keys(properties).length}`;
    properties[argument] = rebase(described, mark);
    if (isObject(own)) for (const [name, one] of Object.entries(own)) $defs[`${mark}${name}`] = rebase(one, mark);
    if (needed) required.push(argument);
  };

  for (const { raw, at } of parametersOf(document, operation)) {
    const { name, in: where } = raw;
    if (typeof name !== "string" || !/^(?!__proto__$)[^\p{Cc}]{1,200}$/u.test(name))
      throw refuse("has a parameter without a name that can be used", at);
    const needed = raw.required === true || where === "path";
    if (where === "query" && fixed.query.has(name)) continue;
    if (where === "header" && (fixed.headers.has(name.toLowerCase()) || closedHeaders.test(name))) continue;
    if (where === "cookie") {
      if (needed) throw refuse("needs a cookie, and none is sent", at);
      continue;
    }
    if (where !== "path" && where !== "query" && where !== "header")
      throw refuse(`has a parameter in ${JSON.stringify(where)?.slice(0, 40)}, where none can be`, at);
    if (parts.length >= mostParts) throw refuse(`has more than ${mostParts} parameters`);
    const { schema, style, explode } = readForm(raw, where);
    const plain = renamed.get(name) ?? name;
    const argument = Object.hasOwn(properties, plain) ? `${plain}_in_${where}` : plain;
    if (Object.hasOwn(properties, argument)) throw refuse("has two parameters of one name", at);
    parts.push({ argument, name, in: where, style, explode });
    put(argument, toJsonSchema(document, schema, { place: at, direction: "request" }), {
      needed,
      said: typeof raw.description === "string" ? raw.description : undefined,
    });
  }

  for (const [, name = ""] of path.matchAll(/\{([^{}]*)\}/g))
    if (!parts.some((part) => part.in === "path" && part.name === name))
      throw refuse(`has {${name.slice(0, 60)}} in its path, and no parameter of that name`);
  if (path.length > 2_000 || /[?#\\\s]/.test(path) || /[{}]/.test(path.replaceAll(/\{[^{}]*\}/g, "")))
    throw refuse("has a path that is no template of a path");

  let body: BodyPlan | undefined;
  if (operation.raw.requestBody !== undefined) {
    const at = `${place}/requestBody`;
    const raw = follow(document, operation.raw.requestBody, at);
    const media = chooseMedia(isObject(raw.content) ? raw.content : {});
    const needed = raw.required === true;
    if (!media && needed) throw refuse("needs a body that is neither JSON, a form nor text", at);
    if (media && (method === "GET" || method === "HEAD")) {
      if (needed) throw refuse(`needs a body, which no ${method} request has`, at);
    } else if (media) {
      body = media.plan;
      put("body", toJsonSchema(document, media.schema, { place: at, direction: "request" }), {
        needed,
        said: typeof raw.description === "string" ? raw.description : undefined,
      });
    }
  }

  const input = {
    type: "object",
    properties,
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    ...(Object.keys($defs).length > 0 && { $defs }),
  };
  if (JSON.stringify(input).length > longestInput)
    throw refuse(`has arguments whose schema is longer than ${longestInput} characters`);
  return { method, path, parts, reserved: fixed.query, ...(body && { body }), input };
}

interface Put {
  readonly needed: boolean;
  readonly said: string | undefined;
}

/** The path's parameters with the operation's own, which go before them. */
function parametersOf(document: ApiDocument, { raw, item, place }: Operation) {
  const found = new Map<string, { readonly raw: JsonSchema; readonly at: string }>();
  const sources = [
    [item.parameters, `${place.slice(0, place.lastIndexOf("/"))}/parameters`],
    [raw.parameters, `${place}/parameters`],
  ] as const;
  for (const [list, where] of sources) {
    if (!Array.isArray(list)) continue;
    for (const [index, one] of list.entries()) {
      const at = `${where}/${index}`;
      const parameter = follow(document, one, at);
      found.set(JSON.stringify([parameter.name, parameter.in]), { raw: parameter, at });
    }
  }
  return found.values();
}

function readForm(raw: JsonSchema, where: Part["in"]): { schema: unknown; style: Style; explode: boolean } {
  if (isObject(raw.content)) {
    const [media] = Object.values(raw.content);
    return { schema: isObject(media) ? (media.schema ?? {}) : {}, style: "json", explode: false };
  }
  const fallback = where === "query" ? "form" : "simple";
  const known = where === "query" ? ["form", "spaceDelimited", "pipeDelimited", "deepObject"] : ["simple"];
  const style = known.includes(raw.style as string) ? (raw.style as Style) : fallback;
  return {
    schema: raw.schema ?? {},
    style,
    explode: typeof raw.explode === "boolean" ? raw.explode : style === "form",
  };
}

function chooseMedia(content: JsonSchema): { readonly plan: BodyPlan; readonly schema: unknown } | undefined {
  const kinds: readonly (readonly [RegExp, BodyPlan["form"]])[] = [
    [/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i, "json"],
    [/^application\/x-www-form-urlencoded\s*(;|$)/i, "urlencoded"],
    [/^text\/[\w.+-]+\s*(;|$)/i, "text"],
  ];
  for (const [pattern, form] of kinds) {
    const entry = Object.entries(content).find(([type]) => pattern.test(type) && /^[\x20-\x7e]{1,100}$/.test(type));
    if (!entry) continue;
    const [contentType, media] = entry;
    const schema = isObject(media) && media.schema !== undefined ? media.schema : {};
    return { plan: { contentType, form }, schema: form === "text" ? { type: "string" } : schema };
  }
  return undefined;
}

/** Gives the references of a schema into its own definitions the mark of the place where these now stand. */
function rebase(value: unknown, mark: string): unknown {
  if (Array.isArray(value)) return value.map((one) => rebase(one, mark));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? inner.replace(/^#\/\$defs\//, `#/$defs/${mark}`)
        : rebase(inner, mark),
    ]),
  );
}
