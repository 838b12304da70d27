import { hash } from "node:crypto";
import type { Outcome } from "@portcullis/contracts";
import type { ChatServer } from "./chat.ts";
import type { NumberedCitation } from "./chat-events.ts";

/**
 * `holds`: the bytes are those that were cited. `masked`: a secret stands in them, so what is shown cannot be compared. `differs`: other bytes stand there
 * now. `refused`: the server does not give them, or not any more.
 */
export type OpenedVerdict = "holds" | "masked" | "differs" | "refused";

export interface OpenedCitation {
  readonly citation: NumberedCitation;
  readonly verdict: OpenedVerdict;
  readonly text?: string;
  /** Why it was refused. */
  readonly message?: string;
}

interface Asking {
  readonly agent: string;
  readonly parent?: string;
  readonly signal: AbortSignal;
}

/** Reads a cited span back as the client that it was cited to: from the file itself, or from the text that was made of it. */
export async function openCitation(
  server: ChatServer,
  citation: NumberedCitation,
  asking: Asking,
): Promise<OpenedCitation> {
  const { id, uri, start, end } = citation;
  const trace = { ...asking, purpose: `open citation ${citation.number}` };
  const fromFile = async (encoding: "utf8" | "base64"): Promise<Outcome | undefined> => {
    if (!uri.startsWith("file:")) return undefined;
    const path = decodeURIComponent(new URL(uri).pathname);
    return server.call("fs.readFile", { path, encoding, range: { start, end } }, trace);
  };
  let read = await fromFile("utf8");
  if (read && !read.ok && read.details?.reason === "not_utf8") read = await fromFile("base64");
  const file = read?.ok ? toSpan(citation, bytesOf(read.result), read.why) : undefined;
  if (file?.verdict === "holds") return file;
  // A citation of a document that was made from a file counts in its text.
  const fetched = await server.call("fetch", { id }, trace);
  if (fetched.ok) {
    const { text } = fetched.result as { readonly text?: unknown };
    const bytes = Buffer.from(typeof text === "string" ? text : "").subarray(start, end);
    const made = toSpan(citation, bytes, fetched.why);
    if (made.verdict === "holds") return made;
    return file ?? made;
  }
  return file ?? { citation, verdict: "refused", message: `${fetched.code}: ${fetched.message}` };
}

function bytesOf(result: unknown): Buffer {
  const { content, encoding } = result as { readonly content: string; readonly encoding: "utf8" | "base64" };
  return Buffer.from(content, encoding);
}

function toSpan(citation: NumberedCitation, bytes: Buffer, why: readonly string[] = []): OpenedCitation {
  const text = bytes.toString("utf8");
  if (hash("sha256", bytes) === citation.sha256) return { citation, verdict: "holds", text };
  return { citation, verdict: why.some((said) => /mask/i.test(said)) ? "masked" : "differs", text };
}
