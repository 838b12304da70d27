import type { Server, ServerContext } from "@modelcontextprotocol/server";
import type { Failure, ResourceChunk, ResourceList, ResourceStream } from "@portcullis/contracts";
import type { Origin, Sink } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { toProtocolError } from "./answer.ts";
import { watchResource } from "./changes.ts";
import { clientOf } from "./read-call.ts";
import { type Visit, visitOf } from "./visit.ts";

export interface ResourceHandlers {
  readonly server: Server;
  readonly corridor: Corridor;
  readonly visit: Visit;
  /** Fires when the connection has ended. */
  readonly gone: AbortSignal;
}

/** URIs that one connection may watch. */
const mostWatched = 64;

/** `resources/list`, `/templates/list`, `/read`, `/subscribe` and `/unsubscribe`, answered as the connector protocol's methods are. */
export function serveResources({ server, corridor, visit, gone }: ResourceHandlers): void {
  const watched = new Map<string, AbortController>();
  const at = (context: ServerContext): Origin & { defaultPurpose: string } => {
    const client = clientOf({ server, context });
    return {
      ...(visitOf(context) ?? visit).origin,
      ...(client && { client }),
      defaultPurpose: `use by ${client?.name.slice(0, 200) || "an unnamed MCP client"}`,
    };
  };

  server.setRequestHandler("resources/list", async ({ params }, context) => {
    const cursor = params?.cursor;
    const method = "resources.list";
    const outcome = await corridor.handleMethod({
      ...at(context),
      method,
      params: cursor === undefined ? {} : { cursor },
    });
    if (!outcome.ok) throw toProtocolError(outcome);
    const { resources, nextCursor } = outcome.result as ResourceList;
    return { resources, ...(nextCursor !== undefined && { nextCursor }) };
  });

  server.setRequestHandler("resources/templates/list", async (_request, context) => {
    const outcome = await corridor.handleMethod({ ...at(context), method: "resources.list", params: {} });
    if (!outcome.ok) throw toProtocolError(outcome);
    const { templates = [] } = outcome.result as ResourceList;
    return { resourceTemplates: templates };
  });

  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    const collected = collect(context.mcpReq.signal);
    const params = { uri, credit: 4_096 };
    const { sink } = collected;
    const outcome = await corridor.handleMethod({
      ...at(context),
      method: "resources.read",
      params,
      sink,
      whole: true,
    });
    if (!outcome.ok) throw toProtocolError(outcome);
    const { mimeType, encoding } = outcome.result as ResourceStream;
    const content = await collected.content;
    if (typeof content !== "string") throw toProtocolError(content);
    return { contents: [{ uri, mimeType, ...(encoding === "text" ? { text: content } : { blob: content }) }] };
  });

  server.setRequestHandler("resources/subscribe", async ({ params: { uri } }, context) => {
    if (watched.has(uri)) return {};
    const own = new AbortController();
    const signal = AbortSignal.any([gone, own.signal]);
    // Held before it is answered: two at once are one.
    if (watched.size < mostWatched) watched.set(uri, own);
    const updated = (): void => void server.sendResourceUpdated({ uri }).catch(() => {});
    const outcome = await watchResource({ corridor, origin: at(context), gone: signal }, uri, updated);
    if (outcome.ok && watched.get(uri) === own) return {};
    own.abort();
    if (watched.get(uri) === own) watched.delete(uri);
    throw toProtocolError(outcome.ok ? tooMany(outcome.auditId) : outcome);
  });

  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    watched.get(uri)?.abort();
    watched.delete(uri);
    return {};
  });
}

const tooMany = (auditId: string): Failure => ({
  ok: false,
  code: "RATE_LIMITED",
  message: `${mostWatched} resources are watched by this connection already.`,
  auditId,
});

/** Takes a stream whole: its bounds were checked when it was opened. */
function collect(gone: AbortSignal): { readonly sink: Sink; readonly content: Promise<string | Failure> } {
  const { promise, resolve } = Promise.withResolvers<string | Failure>();
  const pieces: string[] = [];
  const sink: Sink = {
    gone,
    ready: () => Promise.resolve(),
    send({ params }) {
      const { data, done, failure } = params as ResourceChunk;
      if (data !== undefined) pieces.push(data);
      if (done) resolve(failure ?? joined(pieces));
    },
  };
  gone.addEventListener("abort", () => resolve(""), { once: true });
  return { sink, content: promise };
}

/** Pieces of base64 may each end with padding, which stands at the very end only. */
const joined = (pieces: readonly string[]): string =>
  pieces.slice(0, -1).some((piece) => piece.endsWith("="))
    ? Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))).toString("base64")
    : pieces.join("");
