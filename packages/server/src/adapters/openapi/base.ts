import { parseUrl } from "../../network/parse-url.ts";
import { isObject } from "../../upstream/read-schema.ts";
import { DocumentFault } from "./fault.ts";
import type { Operation } from "./operations.ts";
import type { ApiDocument } from "./read-document.ts";

/**
 * Where an operation is called, without a slash at the end: the owner's own URL, else the first server that the document names for it. Throws
 * `DocumentFault` for a server that is not written out.
 */
export function readBase({ root }: ApiDocument, { raw, item, place }: Operation, url: string | undefined): string {
  const next = "Write the API's own URL as `url` in the configuration.";
  if (url !== undefined) return toBase(url, "", "Correct `url` in the configuration.");
  const servers = [raw.servers, item.servers, root.servers].find((list) => Array.isArray(list) && list.length > 0);
  if (!Array.isArray(servers)) throw new DocumentFault("#/servers", "names no server", next);
  // Credentials are the API's; a part of it that says that it is elsewhere does not get them.
  if (servers !== root.servers)
    throw new DocumentFault(`${place}/servers`, "names a server for this operation alone", next);
  const [server] = servers;
  const text = isObject(server) && typeof server.url === "string" ? server.url : "";
  if (/[{}]/.test(text)) throw new DocumentFault("#/servers/0/url", "names a server with variables in its URL", next);
  if (!/^https?:\/\//i.test(text)) throw new DocumentFault("#/servers/0/url", "names a server by a relative URL", next);
  return toBase(text, "#/servers/0/url", next);
}

function toBase(text: string, place: string, next: string): string {
  const parsed = parseUrl(text);
  if ("fault" in parsed) throw new DocumentFault(place, `names a server that is none: ${parsed.fault.message}`, next);
  const { url } = parsed;
  if (url.search !== "" || /%|\/\//.test(url.pathname))
    throw new DocumentFault(place, "names a server whose URL has a query, escapes or empty segments", next);
  return url.href.replace(/\/$/, "");
}
