import { normalize } from "node:path/posix";
import { CallError, type Resource } from "@portcullis/contracts";
import { isObject } from "./read-schema.ts";

export interface Named {
  /** Where arguments stand that name files, and those that name URLs: `path`, `edits.*.file`. */
  readonly paths: readonly string[];
  readonly urls: readonly string[];
  readonly home: string;
  /** What relative paths are of; without it they are refused. */
  readonly cwd?: string;
}

export interface Touched {
  readonly resources: readonly Resource[];
  /** The arguments with each path and URL in the form that was judged: the other side must not read another one into it. */
  readonly args: unknown;
}

const mostNamed = 500;

/** Finds the files and URLs that arguments name. Throws `VALIDATION_ERROR` for one that has no canonical form. */
export function readTouched(args: unknown, named: Named): Touched {
  const resources: Resource[] = [];
  const put = (resource: Resource): void => {
    if (resources.length >= mostNamed) throw refuse("args", `more than ${mostNamed} files and URLs are named`);
    resources.push(resource);
  };
  const toPath = (text: string, at: string): string => {
    const path = canonicalPath(text, named, at);
    put({ kind: "path", path });
    return path;
  };
  const toUrl = (text: string, at: string): string => {
    const url =
      URL.canParse(text) && /^https?:\/\//i.test(text) && !/[\\\s\p{Cc}]/u.test(text) ? new URL(text) : undefined;
    if (url === undefined || url.username !== "" || url.password !== "") throw refuse(at, "it is no http(s) URL");
    url.hash = "";
    put({ kind: "url", href: url.href, method: "GET" });
    return url.href;
  };
  let value = args;
  for (const place of named.paths) value = replace(value, place.split("."), { at: "args", read: toPath });
  for (const place of named.urls) value = replace(value, place.split("."), { at: "args", read: toUrl });
  return { resources, args: value };
}

interface Replacing {
  readonly at: string;
  readonly read: (text: string, at: string) => string;
}

/** Copies a value with every text at a place replaced. A list at the place itself counts by its items; what is not there is left out. */
function replace(value: unknown, [step, ...rest]: readonly string[], { at, read }: Replacing): unknown {
  if (value === undefined || value === null) return value;
  if (step === undefined) {
    if (Array.isArray(value)) return value.map((one, index) => replace(one, [], { at: `${at}.${index}`, read }));
    if (typeof value !== "string") throw refuse(at, "a text belongs here");
    return read(value, at);
  }
  if (step === "*") {
    if (Array.isArray(value)) return value.map((one, index) => replace(one, rest, { at: `${at}.${index}`, read }));
    if (!isObject(value)) throw refuse(at, "a list belongs here");
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, replace(one, rest, { at: `${at}.${name}`, read })]),
    );
  }
  if (!isObject(value)) throw refuse(at, "an object belongs here");
  if (!Object.hasOwn(value, step)) return value;
  return { ...value, [step]: replace(value[step], rest, { at: `${at}.${step}`, read }) };
}

function canonicalPath(text: string, { home, cwd }: Named, at: string): string {
  if (text === "" || text.length > 4_096 || /[\\\p{Cc}]/u.test(text) || !text.isWellFormed())
    throw refuse(at, "it is no path that means the same everywhere");
  // Who reads a path as a URL or looks up another's home reads another file than was judged.
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) || /^~[^/]/.test(text)) throw refuse(at, "write the absolute path");
  const whole = /^~(\/|$)/.test(text)
    ? `${home}${text.slice(1)}`
    : text.startsWith("/")
      ? text
      : cwd && `${cwd}/${text}`;
  if (!whole) throw refuse(at, "write the absolute path");
  const path = normalize(whole).normalize("NFC");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

const refuse = (at: string, why: string): CallError =>
  new CallError("VALIDATION_ERROR", `The argument at ${at} cannot be judged: ${why}.`, {
    details: { at, reason: "resource", next: "Correct that argument." },
  });
