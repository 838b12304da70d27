import type { ServerResponse } from "node:http";
import { CallError, type EventSubscribed } from "@portcullis/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Notification } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestFault } from "../websocket/params.ts";
import { beginStream, endStream, toSink } from "./event-stream.ts";
import { originOf } from "./mirror.ts";
import { sendFailure } from "./reply.ts";

/** What a query says beside the topic's own parameters. */
const ours: ReadonlySet<string> = new Set(["topic", "purpose", "lastEventId"]);

export interface EventStreams {
  /** Ends every stream: their clients come back with the number that they took last. */
  close(): void;
}

/**
 * `GET /v1/events?topic=fs.watch&dir=…`: one subscription as server-sent events (WHATWG HTML, 9.2). The id of each is the subscription's with the
 * number, so a browser's EventSource goes on by itself where it stopped.
 */
export function addEvents(app: FastifyInstance, { corridor }: { readonly corridor: Corridor }): EventStreams {
  const open = new Set<ServerResponse>();
  app.get("/v1/events", async (request, reply) => {
    const origin = originOf(request);
    const params = toParams(request);
    const fault =
      params === undefined
        ? new CallError("INVALID_PARAMS", "Last-Event-ID is SUBSCRIPTION:NUMBER.", { details: { at: "Last-Event-ID" } })
        : requestFault({ jsonrpc: "2.0", method: "events.subscribe", params }, true);
    if (fault) {
      // Who may not subscribe learns nothing of how to.
      const stranger = (await corridor.identify(origin.credential)) === undefined;
      const error = stranger ? new CallError("UNAUTHENTICATED", "This carries no valid token.") : fault;
      return sendFailure(reply, await corridor.refuse(origin, "GET /v1/events", error));
    }
    const response = reply.raw;
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
      open.delete(response);
    });
    const sink = toSink(response, gone.signal, { toFrame, last: "events.ended" });
    const outcome = await corridor.handleMethod({ ...origin, method: "events.subscribe", params, sink });
    if (!outcome.ok) return sendFailure(reply, outcome);
    reply.hijack();
    if (response.destroyed) return reply;
    const { subscription, after } = outcome.result as EventSubscribed;
    // An id without data changes what the client comes back with, and tells it nothing.
    beginStream(response, `id: ${subscription}:${after}\n`);
    open.add(response);
    return reply;
  });
  return {
    close() {
      for (const response of open) endStream(response);
    },
  };
}

function toParams({ query, headers }: FastifyRequest): Readonly<Record<string, unknown>> | undefined {
  const asked = query as Readonly<Record<string, unknown>>;
  const lastId = headers["last-event-id"] ?? asked.lastEventId;
  const resume = lastId === undefined || lastId === "" ? undefined : /^([\w]{1,64}):(\d{1,16})$/.exec(String(lastId));
  if (resume === null) return undefined;
  const params = Object.fromEntries(Object.entries(asked).filter(([name]) => !ours.has(name)));
  return {
    topic: asked.topic ?? "",
    params,
    ...(asked.purpose !== undefined && { trace: { purpose: asked.purpose } }),
    ...(resume && { resume: { subscription: resume[1], after: Number(resume[2]) } }),
  };
}

/** The same parameters as on the WebSocket; an ending names the code by which the WebSocket closes. */
function toFrame({ method, params }: Notification): string {
  const { subscription, seq, to, event, code } = params;
  const number = seq ?? to;
  const id = number === undefined ? "" : `id: ${subscription}:${number}\n`;
  const name = method === "events.event" ? event : method.slice("events.".length);
  const told = code === "UNAUTHENTICATED" ? { ...params, close: 4401 } : params;
  return `${id}event: ${name}\ndata: ${JSON.stringify(told)}\n\n`;
}
