/**
 * The two readings of a URL's path. Servers differ in what they decode before they look a path up, and whoever wants past a pattern uses
 * that: an allow counts only if it holds for both readings, a deny counts if it holds for either.
 */
export interface UrlReading {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  /** RFC 3986 6.2.2: every escape decoded but those of `/ \ % ? # ;` and controls. */
  readonly strict: readonly string[];
  /** As the most obliging server reads it: decoded again and again, `\` as `/`, `//` as `/`, without `;parameters`. */
  readonly loose: readonly string[];
  readonly query: readonly string[];
}

/**
 * What a URL can begin with: `mcp://NAME/TOOL` is a tool of the upstream server that the owner called NAME, `prompt://NAME` a prompt of theirs and
 * `model://NAME` a model.
 */
export const urlSchemes: ReadonlySet<string> = new Set(["http", "https", "mcp", "prompt", "model"]);

const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** The port that a scheme implies. */
export const defaultPort = (scheme: string): string => defaultPorts[scheme] ?? "";

/**
 * Reads a URL that the WHATWG parser has serialised; undefined when it is not in that form, has another scheme, has a user in it, or is
 * encoded more deeply than any honest URL.
 */
export function readUrl(href: string): UrlReading | undefined {
  if (!URL.canParse(href)) return undefined;
  const url = new URL(href);
  if (url.href !== href || url.username !== "" || url.password !== "") return undefined;
  const scheme = url.protocol.slice(0, -1);
  if (!urlSchemes.has(scheme)) return undefined;
  // A stranger's resource stands behind its source with its own scheme: mcp://NAME/file:///x.
  const pathname = scheme === "mcp" ? withoutHollow(url.pathname) : url.pathname;
  const strict = toSegments(decodeSafely(pathname).slice(1).split("/"));
  const plain = !/[%\\;]|\/\//.test(pathname);
  const decoded = plain ? pathname : decodeFully(pathname);
  if (decoded === undefined) return undefined;
  return {
    scheme,
    host: toHost(url.hostname),
    port: url.port === "" ? defaultPort(scheme) : url.port,
    strict,
    loose: plain ? strict : toLooseSegments(decoded),
    query: url.search.length < 2 ? [] : url.search.slice(1).split("&").map(decodeParameter),
  };
}

/** A path without empty segments. */
export const withoutHollow = (path: string): string => path.replace(/\/{2,}/g, "/");

const toSegments = (segments: readonly string[]): readonly string[] =>
  segments.length === 1 && segments[0] === "" ? [] : segments;

/** A host without the dot that may end it. */
export const toHost = (hostname: string): string => (hostname.endsWith(".") ? hostname.slice(0, -1) : hostname);

const escapes = /(?:%[0-9a-f]{2})+/gi;
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what must stay escaped
const unsafe = /[/\\%?#;\u0000-\u001f\u007f]/g;

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

const asciiOf = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

function decodeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    // No UTF-8 as a whole: decode what is ASCII.
    return run.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => asciiOf(hex));
  }
}

function decodeRunSafely(run: string): string {
  try {
    return decodeURIComponent(run).replace(unsafe, encode);
  } catch {
    return run
      .toUpperCase()
      .replace(/%([0-7][0-9A-F])/g, (kept, hex: string) => (asciiOf(hex).search(unsafe) < 0 ? asciiOf(hex) : kept));
  }
}

/** Decodes the escapes that mean the same as what they stand for; the others are left, in upper case. */
export const decodeSafely = (text: string): string =>
  text.includes("%") ? text.replace(escapes, decodeRunSafely) : text;

const maxRounds = 4;

/** Decodes again and again; undefined when that does not come to an end soon. */
export function decodeFully(text: string): string | undefined {
  let before = text;
  for (let round = 0; round <= maxRounds; round++) {
    const after = before.replace(escapes, decodeRun);
    if (after === before) return after.replaceAll("\\", "/");
    before = after;
  }
  return undefined;
}

/** The segments of a fully decoded path: without empty ones, dots and `;parameters`; a slash at the end stays. */
export function toLooseSegments(decoded: string): readonly string[] {
  const segments: string[] = [];
  const parts = decoded.split("/");
  for (const [index, part] of parts.entries()) {
    const segment = part.replace(/;.*$/s, "");
    const hollow = segment === "" || segment === "." || segment === "..";
    if (segment === "..") segments.pop();
    else if (!hollow) segments.push(segment);
    if (hollow && index === parts.length - 1 && segments.length > 0) segments.push("");
  }
  return segments;
}

/** A query's parameter, decoded for comparison. */
export const decodeParameter = (parameter: string): string =>
  parameter.replaceAll("+", " ").replace(escapes, decodeRun);
