import { parseUrl, toHost, toPort } from "./parse-url.ts";

/**
 * Reads the owner's list of `host:port` pairs that may lie on private addresses (`nas.lan:5000`, `127.0.0.1:*`, `[::1]:8080`) into a question.
 * Throws an `Error` that names the entry when one is not such a pair.
 */
export function toPrivateHosts(entries: readonly string[]): (url: URL) => boolean {
  const listed = new Set(entries.map(toKey));
  return (url) => listed.has(`${toHost(url)} ${toPort(url)}`) || listed.has(`${toHost(url)} *`);
}

function toKey(entry: string): string {
  const [, host = "", port = ""] = /^(.+):(\d{1,5}|\*)$/.exec(entry) ?? [];
  const parsed = parseUrl(`http://${host}:${port === "*" ? 80 : port}/`);
  if (port === "" || "fault" in parsed || parsed.url.pathname !== "/" || parsed.url.search !== "") {
    throw new Error(`${JSON.stringify(entry)} is not host:port, such as "nas.lan:5000" or "127.0.0.1:*".`);
  }
  return `${toHost(parsed.url)} ${port === "*" ? port : toPort(parsed.url)}`;
}
