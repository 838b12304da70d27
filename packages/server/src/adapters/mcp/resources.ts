import type { ReadResourceResult } from "@modelcontextprotocol/client";
import { CallError, type Labels } from "@portcullis/contracts";
import { Type } from "typebox";
import { declare, type Marks } from "../../upstream/marks.ts";
import { readResourceName } from "../../upstream/mount-name.ts";
import { fromResourceUri, toResourceScheme } from "../../upstream/resource-uri.ts";
import type { AnyTool, OpenResource, ResourceKind, Tool } from "../adapter.ts";
import type { Asking } from "./asking.ts";
import type { Readable } from "./listing.ts";
import { readContents, UpstreamResult } from "./result.ts";
import type { Watching } from "./watching.ts";

export interface MountedResources {
  readonly name: string;
  readonly marks?: Marks;
  readonly asking: Asking;
  /** What the server offers now; undefined while that is nothing, or not known. */
  offered(): Readable | undefined;
  version(): string;
  watch: Watching["watch"];
}

const Input = Type.Object(
  { uri: Type.String({ minLength: 1, maxLength: 12_288, description: "As resources.list tells it: mcp://NAME/…" }) },
  { additionalProperties: false },
);

const pageSize = 200;

/** The resources of a server: `mcp://NAME/` and the server's own URI, read by whom its tool `readResource` is allowed to. */
export function mountResources(options: MountedResources): {
  readonly kind: ResourceKind;
  tools(): readonly AnyTool[];
} {
  const { name: source, asking, offered } = options;
  const { labels, binary, expose } = declareReading(options.marks);
  const toolName = `${source}.${readResourceName}`;
  const touches: ResourceKind["touches"] = (uri) => {
    fromResourceUri(source, uri);
    return [{ kind: "url", href: uri, method: "GET" }];
  };
  const ask = (uri: string, signal: AbortSignal): Promise<ReadResourceResult> => {
    const theirs = fromResourceUri(source, uri);
    return asking.ask(signal, (client, limits) =>
      // A resource is asked for anew each time: nothing of one caller's is kept for another.
      client.readResource({ uri: theirs }, { ...limits, cacheMode: "refresh" }),
    );
  };
  const tool: Tool<{ readonly uri: string }, UpstreamResult> = {
    name: toolName,
    title: `Read a resource of ${source}`,
    summary: `Reads a resource that the server ${source} offers, by its URI (resources/list tells them).`,
    safety: `Reads what the upstream server ${source} says is there.`,
    effect: "read",
    labels,
    input: Input,
    output: UpstreamResult,
    touches: ({ uri }) => touches(uri),
    run: async ({ uri }, { signal }) =>
      readContents((await ask(uri, signal)).contents, {
        ...{ source, origin: uri, untrusted: labels.untrusted !== false, binary },
      }),
  };
  const tools = [tool as unknown as AnyTool];
  const kind: ResourceKind = {
    scheme: toResourceScheme(source),
    tool: toolName,
    templates: () => offered()?.templates ?? [],
    version: options.version,
    watch: options.watch,
    touches,
    open: async (uri, _permit, signal) => toOpen((await ask(uri, signal)).contents, { uri, source, binary }),
    async list(cursor, { permit }) {
      const page: { uri: string; name: string; mimeType: string; size?: number }[] = [];
      for (const resource of offered()?.resources ?? []) {
        if (cursor !== undefined && resource.uri <= cursorOf(source, cursor)) continue;
        if (!permit.allows({ kind: "url", href: resource.uri, method: "GET" })) continue;
        if (page.length >= pageSize) return { resources: page, next: page.at(-1)?.uri.slice(kind.scheme.length) ?? "" };
        page.push({ ...resource });
      }
      return { resources: page };
    },
  };
  return { kind, tools: () => (expose && offered() ? tools : []) };
}

const cursorOf = (source: string, cursor: string): string => toResourceScheme(source) + cursor;

/** Reading one changes nothing by MCP's own word; that it is a stranger's, and told of what is asked, stands until the owner says otherwise. */
function declareReading(marks: Marks | undefined): { labels: Labels; binary: boolean; expose: boolean } {
  const { labels, binary, expose } = declare(marks, readResourceName);
  const { effect: _, ...others } = labels;
  return { labels: others, binary, expose };
}

type Contents = ReadResourceResult["contents"];

/** A resource of several parts is told as JSON, so that each keeps its name. */
function toOpen(
  contents: Contents,
  { uri, source, binary }: { readonly uri: string; readonly source: string; readonly binary: boolean },
): OpenResource {
  const [first, ...others] = contents;
  if (!first)
    throw new CallError("NOT_FOUND", `${source} has nothing under this URI.`, { details: { resource: uri, source } });
  const { mimeType, bytes } = others.length === 0 ? toBytes(first, { source, uri, binary }) : toJson(contents, binary);
  return {
    mimeType,
    size: bytes.length,
    async *read({ start, end }) {
      if (start < end) yield bytes.subarray(start, end);
    },
    close: () => {},
  };
}

function toBytes(
  part: Contents[number],
  { source, uri, binary }: { readonly source: string; readonly uri: string; readonly binary: boolean },
): { readonly mimeType: string; readonly bytes: Buffer } {
  const type = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.exec(part.mimeType ?? "")?.[0];
  if ("text" in part) return { mimeType: type ?? "text/plain", bytes: Buffer.from(part.text) };
  const bytes = Buffer.from(part.blob, "base64");
  if (binary) return { mimeType: type ?? "application/octet-stream", bytes };
  throw new CallError("UPSTREAM", `${source} answers with ${bytes.length} bytes that nobody can look for secrets in.`, {
    details: {
      ...{ source, resource: uri, reason: "binary", bytes: bytes.length },
      next: `The owner can pass them on: tools: { ${readResourceName}: { binary: true } } of this source.`,
    },
  });
}

function toJson(contents: Contents, binary: boolean): { readonly mimeType: string; readonly bytes: Buffer } {
  const shown = contents.slice(0, 1_000).map((part) => {
    const { uri, mimeType } = part;
    const named = { uri, ...(mimeType !== undefined && { mimeType }) };
    if ("text" in part) return { ...named, text: part.text };
    return { ...named, ...(binary ? { base64: part.blob } : { bytes: Math.floor((part.blob.length * 3) / 4) }) };
  });
  return { mimeType: "application/json", bytes: Buffer.from(JSON.stringify(shown)) };
}
