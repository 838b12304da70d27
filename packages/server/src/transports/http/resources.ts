import type { ServerResponse } from "node:http";
import { CallError, type ResourceChunk, type ResourceStream } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sink } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestFault } from "../websocket/params.ts";
import { originOf } from "./mirror.ts";
import { sendFailure, sendResult } from "./reply.ts";

/** Bytes that wait for the client before the resource waits instead. */
const mostWaiting = 256 * 1024;
/** The response's own flow is all the credit that there is. */
const credit = 4_096;

/** `GET /v1/resources` lists; with `?uri=…` it gives one resource as it comes, all of it or a Range (RFC 9110, 14) of its bytes at the source. */
export function addResources(app: FastifyInstance, { corridor }: { readonly corridor: Corridor }): void {
  app.get("/v1/resources", async (request, reply) => {
    const origin = originOf(request);
    const { uri, cursor, purpose, encoding } = request.query as Readonly<Record<string, unknown>>;
    const method = uri === undefined ? "resources.list" : "resources.read";
    const trace = purpose === undefined ? {} : { trace: { purpose } };
    const range = uri === undefined ? {} : toRange(request);
    const params =
      uri === undefined
        ? { ...(cursor !== undefined && { cursor }), ...trace }
        : { uri, credit, ...(encoding !== undefined && { encoding }), ...range, ...trace };
    const fault = range
      ? requestFault({ jsonrpc: "2.0", method, params }, true)
      : new CallError("INVALID_PARAMS", "One range of the form bytes=FIRST-LAST or bytes=FIRST- is taken.", {
          details: { at: "Range" },
        });
    if (fault) {
      // Who may not read learns nothing of how to.
      const stranger = (await corridor.identify(origin.credential)) === undefined;
      const error = stranger ? new CallError("UNAUTHENTICATED", "This carries no valid token.") : fault;
      return sendFailure(reply, await corridor.refuse(origin, "GET /v1/resources", error));
    }
    if (method === "resources.list")
      return sendResult(reply, await corridor.handleMethod({ ...origin, method, params }));
    const answer = createAnswer(corridor, reply);
    const outcome = await corridor.handleMethod({ ...origin, method, params, sink: answer.sink });
    if (!outcome.ok) return sendFailure(reply, outcome);
    answer.begin(outcome.result as ResourceStream, range !== undefined && "offset" in range);
    return reply;
  });
}

/** The part that a Range header asks for, in the protocol's own words; undefined for one that is not served. */
function toRange({ headers: { range } }: FastifyRequest): { offset?: number; length?: number } | undefined {
  if (range === undefined) return {};
  const found = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(range);
  if (!found) return undefined;
  const offset = Number(found[1]);
  if (found[2] === undefined) return { offset };
  const last = Number(found[2]);
  return last < offset ? undefined : { offset, length: last - offset + 1 };
}

interface Answer {
  readonly sink: Sink;
  begin(stream: ResourceStream, partial: boolean): void;
}

function createAnswer(corridor: Corridor, reply: FastifyReply): Answer {
  const response: ServerResponse = reply.raw;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let encoding: BufferEncoding = "utf8";
  const sink: Sink = {
    gone: gone.signal,
    ready: () =>
      new Promise((resolve) => {
        if (response.writableLength <= mostWaiting) resolve();
        else response.once("drain", () => resolve());
      }),
    send({ params }) {
      const chunk = params as ResourceChunk;
      if (response.destroyed) return;
      if (chunk.data !== undefined) {
        response.write(chunk.data, encoding);
        corridor.credit(chunk.streamId, sink, 1);
      } else if (chunk.failure) response.destroy();
      else {
        response.addTrailers({ "portcullis-sha256": chunk.sha256 ?? "" });
        response.end();
      }
    },
  };
  return {
    sink,
    begin({ mimeType, encoding: sent, size, offset, end }, partial) {
      reply.hijack();
      if (response.destroyed) return;
      encoding = sent === "text" ? "utf8" : "base64";
      // Never shown as a page of this server: a file may hold a script.
      response.writeHead(partial ? 206 : 200, {
        "content-type": sent === "text" ? `${mimeType}; charset=utf-8` : mimeType,
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "no-store",
        "accept-ranges": "bytes",
        trailer: "portcullis-sha256",
        ...(partial && { "content-range": `bytes ${offset}-${Math.max(offset, end - 1)}/${size}` }),
      });
      response.flushHeaders();
    },
  };
}
