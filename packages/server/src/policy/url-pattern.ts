import { PatternError } from "./fault.ts";
import { matchGlob, matchSegment, type Segment, toGlob, tokens, toSegment } from "./glob.ts";
import {
  decodeFully,
  decodeParameter,
  decodeSafely,
  defaultPort,
  toHost,
  toLooseSegments,
  type UrlReading,
  urlSchemes,
  withoutHollow,
} from "./url-reading.ts";

/**
 * A pattern of URLs, matched part by part and never as one string. `host` is a name, an address, `*` for any host, or has `*` for whole labels:
 * the first one stands for one or more labels, another for exactly one. `port` is a number or `*`; without one it is the scheme's own.
 */
export interface UrlPattern {
  readonly scheme: string;
  /** The labels from the last to the first, so that what is literal leads; `*` as itself. */
  readonly host: string;
  readonly port: string;
  readonly path: readonly Segment[];
  /** The path as an obliging server reads it. */
  readonly loosePath: readonly Segment[];
  /** Undefined when any query will do. */
  readonly query: readonly Segment[] | undefined;
}

const shape = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/i;
const authority = /^(\[[^\]]*\]|[^:[\]]*)(?::(\*|\d{1,5}))?$/;

/** Whether a pattern is meant as a URL; anything else is a path. */
export const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text);

/** Compiles a pattern of URLs. A deny whose last segment has no wildcard also covers what lies below it. */
export function compileUrl(text: string, effect: "allow" | "deny"): UrlPattern {
  if (/[\s\p{Cc}\\]/u.test(text) || !text.isWellFormed())
    throw new PatternError("A URL pattern has no spaces, backslashes or control characters; a space in a path is %20.");
  const parts = shape.exec(text);
  const [, rawScheme = "", rawAuthority = "", rawPath = "", rawQuery, fragment] = parts ?? [];
  const scheme = rawScheme.toLowerCase();
  if (scheme === "discord") return compileDiscord(text, rawAuthority, toPath(rawPath, effect));
  if (!urlSchemes.has(scheme))
    throw new PatternError("A URL pattern begins with http://, https://, mcp://, prompt://, model:// or discord://.");
  if (rawAuthority.includes("@")) throw new PatternError("A URL pattern has no user or password.");
  if (fragment !== undefined) throw new PatternError("A URL pattern has no fragment (#…): servers never see it.");
  const place = authority.exec(rawAuthority);
  const [, rawHost = "", port = defaultPort(scheme)] = place ?? [];
  if (!place || rawHost === "" || (port !== "*" && Number(port) > 65_535))
    throw new PatternError("After the scheme stand a host and, where needed, a port: https://example.com:8443/**.");
  const path = toPath(scheme === "mcp" ? withoutHollow(rawPath) : rawPath, effect);
  return {
    scheme,
    host: compileHost(rawHost),
    port: port === "*" || port === "" ? port : String(Number(port)),
    ...path,
    query: rawQuery === undefined ? undefined : rawQuery === "" ? [] : rawQuery.split("&").map(toParameter),
  };
}

/** `discord://GUILD/CHANNEL/MESSAGE`, with `*` for one of them and `**` for the rest; a thread stands behind its channel. */
function compileDiscord(text: string, guild: string, path: Pick<UrlPattern, "path" | "loosePath">): UrlPattern {
  const ids = /^discord:\/\/(\*|\d{1,20})(?:\/(\*\*?|\d{1,20}))*$/i;
  if (!ids.test(text))
    throw new PatternError(
      "A pattern of messages is discord://GUILD/CHANNEL/**, with ids (numbers), * or ** for each.",
    );
  return { scheme: "discord", host: guild, port: "", ...path, query: undefined };
}

function compileHost(raw: string): string {
  if (raw.includes("%")) throw new PatternError("A host has no % escapes.");
  const labels = toHost(raw).split(".");
  if (!raw.includes("*")) return toAscii(raw);
  if (labels.some((label) => label.includes("*") && label !== "*"))
    throw new PatternError("In a host, * stands for whole labels only: *.example.com.");
  if (labels.every((label) => label === "*")) {
    if (labels.length === 1) return "*";
    throw new PatternError("A host of wildcards only is *, for any host.");
  }
  // Each run of literal labels passes the same parser as a whole host would; a numeric end would make it an address.
  const ascii = toHost(raw).replace(/[^*.](?:[^*]*[^*.])?/g, (run) => {
    const host = toAscii(`x.${run}`).slice(2);
    if (host.split(".").length !== run.split(".").length) throw new PatternError(`${run} is no part of a host.`);
    return host;
  });
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/i.test(ascii)) throw new PatternError("An address has no wildcards: write it in full.");
  if (ascii.endsWith("*"))
    throw new PatternError("A host may not end in a wildcard: anybody can register such a name.");
  return ascii;
}

function toAscii(host: string): string {
  const href = `http://${host}/`;
  if (!URL.canParse(href)) throw new PatternError(`${host} is no host.`);
  return toHost(new URL(href).hostname);
}

function toPath(raw: string, effect: "allow" | "deny"): Pick<UrlPattern, "path" | "loosePath"> {
  const bad = /[[\]{}]/.exec(raw)?.[0];
  if (bad)
    throw new PatternError(
      `${bad} has no meaning in a pattern: write one for each case, or ${escapeOf(bad)} for the character itself.`,
    );
  const texts = raw.replace(/^\//, "").split("/");
  const segments = texts.length === 1 && texts[0] === "" ? [] : texts;
  if (segments.slice(0, -1).includes("")) throw new PatternError("A pattern has no empty segment (//).");
  // In the decoded form a control character marks a wildcard, since no pattern may ask for one itself.
  const decoded = decodeFully(raw.replaceAll("*", "\u0001"));
  const controls = decoded?.match(/\p{Cc}/gu)?.length ?? 0;
  if (decoded === undefined || controls !== raw.split("*").length - 1)
    throw new PatternError(
      "A URL pattern has no escaped control characters, and nothing that is escaped many times over.",
    );
  if (decoded.split("/").some((segment) => segment === "." || segment === ".."))
    throw new PatternError("A pattern has no . or .. segment: write the path that it leads to.");
  const path = segments.map((segment) => toSegment(toTokens(segment.split("*").map(decodeSafely))));
  const closed = close(path, effect);
  if (!/[%;]/.test(raw)) return { path: closed, loosePath: closed };
  const loose = toLooseSegments(decoded).map((segment) => toSegment(toTokens(segment.split("\u0001"))));
  return { path: closed, loosePath: close(loose, effect) };
}

function close(path: readonly Segment[], effect: "allow" | "deny"): readonly Segment[] {
  if (effect === "allow") return toGlob(path);
  const last = path[path.length - 1];
  const hollow = last?.kind === "literal" && last.text === "";
  const covers = last === undefined || last.kind === "literal";
  return toGlob([...(hollow ? path.slice(0, -1) : path), ...(covers ? [{ kind: "globstar" } as const] : [])]);
}

/** The code points of the pieces between wildcards. */
const toTokens = (pieces: readonly string[]): readonly number[] =>
  pieces.flatMap((piece, index) => [
    ...(index > 0 ? [tokens.anyRun] : []),
    ...Array.from(piece, (character) => character.codePointAt(0) ?? 0),
  ]);

const toParameter = (text: string): Segment => toSegment(toTokens(text.split("*").map(decodeParameter)));

const escapeOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** Whether scheme, host, port and query fit; the path is the caller's to match. */
export function matchOrigin(pattern: UrlPattern, url: UrlReading, effect: "allow" | "deny"): boolean {
  return (
    pattern.scheme === url.scheme &&
    (pattern.port === "*" || pattern.port === url.port) &&
    matchHost(pattern.host, url.host) &&
    (pattern.query === undefined || matchQuery(pattern.query, url.query, effect))
  );
}

/** Whether a host fits a compiled host pattern. Wildcards never stand for a part of an address. */
function matchHost(pattern: string, host: string): boolean {
  if (pattern === host || pattern === "*") return true;
  if (!pattern.includes("*") || host.startsWith("[")) return false;
  const wanted = pattern.split(".").reverse();
  const labels = host.split(".").reverse();
  for (const [index, label] of wanted.entries()) {
    if (label === "*" && index === wanted.length - 1) return labels.length > index;
    if (label !== "*" && label !== labels[index]) return false;
  }
  return labels.length === wanted.length;
}

/**
 * Parameters are compared in any order. An allow wants each of the URL's to fit one of the pattern's and each of the pattern's to be there;
 * a deny only the latter, so that a further parameter is no way around it. `**` stands for any others.
 */
function matchQuery(wanted: readonly Segment[], query: readonly string[], effect: "allow" | "deny"): boolean {
  const named = wanted.filter(({ kind }) => kind !== "globstar");
  if (!named.every((parameter) => query.some((given) => matchSegment(parameter, given)))) return false;
  if (effect === "deny" || named.length < wanted.length) return true;
  return query.every((given) => named.some((parameter) => matchSegment(parameter, given)));
}

/** Whether the whole pattern matches: an allow in both readings of the path, a deny in either. */
export function matchUrl(pattern: UrlPattern, url: UrlReading, effect: "allow" | "deny"): boolean {
  if (!matchOrigin(pattern, url, effect)) return false;
  const strict = matchGlob(pattern.path, url.strict);
  const loose = matchGlob(pattern.loosePath, url.loose);
  if (effect === "allow") return strict && loose;
  return strict || loose || matchGlob(pattern.path, url.loose) || matchGlob(pattern.loosePath, url.strict);
}
