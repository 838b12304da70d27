import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";

const most = 65_536;

/** A request's body as text of one media type; undefined when it is another, too long, or no UTF-8. The server's own deadline bounds the wait. */
export async function readText(request: IncomingMessage, type: string): Promise<string | undefined> {
  if (request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() !== type) return undefined;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > most) return undefined;
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

export const readForm = async (request: IncomingMessage): Promise<URLSearchParams> =>
  new URLSearchParams((await readText(request, "application/x-www-form-urlencoded")) ?? "");

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readText(request, "application/json");
  try {
    return body === undefined ? undefined : JSON.parse(body);
  } catch {
    return undefined;
  }
}
