import type { Resource } from "@portcullis/contracts";
import { PatternError } from "./fault.ts";
import { nearest } from "./nearest.ts";
import type { Places } from "./path-pattern.ts";

/**
 * The resource that a person or an audit names: a path (`/…`, `~/…`, `@NAME/…`), a URL, a canonical URI as audits hold it, or `index`. A slash at the
 * end of a path means the folder as a whole. Paths are taken as they stand: one that is not canonical is for the policy to refuse. Throws
 * `PatternError` for a text that names nothing.
 */
export function readResource(text: string, places: Places, method = "GET"): Resource {
  if (/^(https?:|(mcp|prompt|model):\/\/)/i.test(text)) {
    if (!URL.canParse(text)) throw new PatternError(`${JSON.stringify(text)} is no URL.`);
    return { kind: "url", href: new URL(text).href, method: method.toUpperCase() };
  }
  const index = /^index(?::\/\/([^/]*)\/?)?$/.exec(text);
  if (index) return { kind: "index", name: decode(index[1] ?? ""), collection: true };
  const discord = /^discord:\/\/((?:\d{1,20}(?:\/|$))*)$/.exec(text);
  if (discord)
    return toMessages(
      (discord[1] ?? "").split("/").filter((id) => id !== ""),
      text.endsWith("/"),
    );
  const git = /^git\+file:\/\/([^#]*)#(.*)$/s.exec(text);
  if (git)
    return { kind: "git", repository: toPath(decode(git[1] ?? "")), path: decode(git[2] ?? ""), collection: true };
  const path = text.startsWith("file://") ? decode(text.slice("file://".length)) : expand(text, places);
  return { kind: "path", path: toPath(path), ...(path.endsWith("/") && { collection: true }) };
}

/** Three ids are a message, or a thread's own when a slash follows; four a message of a thread. */
function toMessages([guild, channel, ...rest]: readonly string[], whole: boolean): Resource {
  if (guild === undefined) return { kind: "discord", collection: true };
  if (channel === undefined) return { kind: "discord", guild, collection: true };
  if (whole || rest.length === 0) {
    const [thread] = rest;
    return { kind: "discord", guild, channel, ...(thread !== undefined && { thread }), collection: true };
  }
  const [first = "", second] = rest;
  const inside = second === undefined ? { message: first } : { thread: first, message: second };
  return { kind: "discord", guild, channel, ...inside };
}

const toPath = (path: string): string =>
  (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path || "/").normalize("NFC");

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new PatternError(`${JSON.stringify(text)} is no URI.`);
  }
}

function expand(text: string, { home, served }: Places): string {
  const slash = text.indexOf("/");
  const [head, rest] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash)];
  if (head === "" && slash === 0) return text;
  if (head === "~") return `${home}${rest}`;
  if (head === "@served") {
    const [only, another] = served;
    if (only && another === undefined) return `${only.path}${rest}`;
    throw new PatternError(
      only ? "Several folders are served: name one of them, @NAME/…" : "No folder is served: write the path itself.",
    );
  }
  if (head.startsWith("@")) {
    const folder = served.find(({ name }) => `@${name}`.normalize("NFC") === head.normalize("NFC"));
    if (folder) return `${folder.path}${rest}`;
    const meant = nearest(
      head,
      served.map(({ name }) => `@${name}`),
    );
    throw new PatternError(`No served folder is named ${head.slice(1)}.`, meant);
  }
  throw new PatternError(
    `${JSON.stringify(text)} begins nowhere: a resource is a path (/…, ~/…, @NAME/…), a URL, or index.`,
  );
}
