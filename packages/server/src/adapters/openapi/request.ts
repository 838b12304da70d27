import { CallError } from "@portcullis/contracts";
import { parseUrl } from "../../network/parse-url.ts";
import { isObject } from "../../upstream/read-schema.ts";
import type { Part, Plan } from "./plan.ts";

export type Args = Readonly<Record<string, unknown>>;

/** A call as it will be sent, without what the owner adds to each. */
export interface ApiRequest {
  /** The URL that policy judges, as the WHATWG parser writes it. */
  readonly href: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const longestBody = 1_048_576;

/** Writes arguments, which have fitted the plan's schema, into a request. Throws `VALIDATION_ERROR` for what cannot be sent. */
export function toRequest(
  { method, path, parts, reserved, body: planned }: Plan,
  base: string,
  args: Args,
): ApiRequest {
  const given = parts.filter(({ argument }) => Object.hasOwn(args, argument) && args[argument] !== undefined);
  const filled = path.replaceAll(/\{([^{}]*)\}|[^\x21-\x7e]+/gu, (literal, name?: string) => {
    if (name === undefined) return encodeURIComponent(literal);
    const part = given.find((one) => one.in === "path" && one.name === name);
    if (!part) throw refuse(name, "it is missing");
    return toSegment(toText(part, args[part.argument]), part.argument);
  });
  const query = given.filter((part) => part.in === "query").flatMap((part) => toPairs(part, args[part.argument]));
  const [taken] = query.find(([name]) => reserved.has(name)) ?? [];
  if (taken !== undefined) throw refuse("", `the owner sets ${taken} for every call`);
  const text = `${base}${filled}${query.length > 0 ? `?${query.map(toPair).join("&")}` : ""}`;
  const parsed = parseUrl(text);
  if ("fault" in parsed) throw refuse("", parsed.fault.message);
  // What the parser would have changed in the path is not what the template says.
  if (parsed.url.pathname !== new URL(base).pathname.replace(/\/$/, "") + filled)
    throw refuse("", "they make another path than the operation's");
  const headers: Record<string, string> = {};
  for (const part of given.filter((one) => one.in === "header")) {
    const value = toText(part, args[part.argument]);
    if (!/^[\x20-\x7e]{0,4096}$/.test(value)) throw refuse(part.argument, "it cannot stand in a header");
    headers[part.name.toLowerCase()] = value;
  }
  const body = planned && args.body !== undefined ? toBody(planned.form, args.body) : undefined;
  if (body !== undefined && planned) headers["content-type"] = planned.contentType;
  if (body !== undefined && body.length > longestBody)
    throw refuse("body", `it has more than ${longestBody} characters`);
  return { href: parsed.url.href, method, headers, ...(body !== undefined && { body }) };
}

const refuse = (argument: string, why: string): CallError =>
  new CallError(
    "VALIDATION_ERROR",
    `The request cannot be made of ${argument === "" ? "these arguments" : argument}: ${why}.`,
    {
      details: { at: argument === "" ? "args" : `args.${argument}`, reason: "request", next: "Correct the arguments." },
    },
  );

const toPair = ([name, value]: readonly [string, string]): string => `${percent(name)}=${percent(value)}`;

const percent = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Rounds of decoding that some server or proxy on the way could do. */
const mostDecoded = 4;

/** One segment of a path, which stays one however often somebody on the way decodes it. */
function toSegment(text: string, argument: string): string {
  if (text === "") throw refuse(argument, "it is empty, and would be another path");
  let seen = text;
  for (let round = 0; round <= mostDecoded; round++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[/\\\u0000-\u001f\u007f]/.test(seen) || /^\.{0,2}(;|$)/.test(seen))
      throw refuse(
        argument,
        "it would leave its place in the path (a slash, a backslash, `..` or a control character)",
      );
    const decoded = decode(seen);
    if (decoded === seen) return percent(text);
    seen = decoded;
  }
  throw refuse(argument, "it is encoded many times over");
}

/** Each escape by itself, so that one that is broken does not hide the others. */
const decode = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());

const plain = (value: unknown): string =>
  typeof value === "string"
    ? value
    : typeof value === "object" && value !== null
      ? JSON.stringify(value)
      : String(value);

const entriesOf = (value: unknown): readonly (readonly [string, string])[] =>
  isObject(value) ? Object.entries(value).map(([name, one]) => [name, plain(one)] as const) : [];

/** Style `simple` (RFC 6570, 3.2.2). */
function toText({ style, explode }: Part, value: unknown): string {
  if (style === "json") return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(plain).join(",");
  if (!isObject(value)) return plain(value);
  return entriesOf(value)
    .map((pair) => pair.join(explode ? "=" : ","))
    .join(",");
}

function toPairs(part: Part, value: unknown): readonly (readonly [string, string])[] {
  const { name, style, explode } = part;
  if (style === "json") return [[name, JSON.stringify(value)]];
  if (Array.isArray(value)) {
    if (explode) return value.map((one) => [name, plain(one)] as const);
    const between = style === "spaceDelimited" ? " " : style === "pipeDelimited" ? "|" : ",";
    return [[name, value.map(plain).join(between)]];
  }
  if (!isObject(value)) return [[name, plain(value)]];
  if (style === "deepObject") return entriesOf(value).map(([key, one]) => [`${name}[${key}]`, one] as const);
  return explode ? entriesOf(value) : [[name, entriesOf(value).flat().join(",")]];
}

function toBody(form: "json" | "urlencoded" | "text", value: unknown): string {
  if (form === "json") return JSON.stringify(value);
  if (form === "text") return plain(value);
  return entriesOf(value).map(toPair).join("&");
}
