import { CallError, consentSchemas } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestFault } from "../websocket/params.ts";
import { bearerOf } from "./credential.ts";
import { toOpenApi } from "./openapi.ts";
import { sendFailure, sendOutcome, sendResult } from "./reply.ts";

/** What the door knows of a request's sender. */
export function originOf(request: FastifyRequest): Origin {
  const agent = request.headers["user-agent"]?.slice(0, 200);
  return {
    door: "http",
    credential: bearerOf(request.headers),
    peer: request.ip,
    ...(agent && { client: { name: agent } }),
  };
}

/** Methods whose parameters are the body of a POST to their own path. */
const postedMethods = [...Object.keys(consentSchemas), "prompts.get", "sampling.create"];

/** The caller's trace, with the trace context of the request's header where it names none itself. */
function withTraceContext(trace: unknown, header: unknown): unknown {
  if (typeof header !== "string" || !/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header)) return trace;
  if (trace === undefined) return { traceparent: header };
  return typeof trace === "object" && trace !== null ? { traceparent: header, ...trace } : trace;
}

/** Fires when the client has gone before its answer was sent; `off` ends the watch. */
function untilGone({ raw }: FastifyReply): { readonly signal: AbortSignal; off(): void } {
  const gone = new AbortController();
  const abort = (): void => {
    if (!raw.writableFinished) gone.abort();
  };
  raw.once("close", abort);
  return { signal: gone.signal, off: () => void raw.off("close", abort) };
}

export interface MirrorOptions {
  readonly corridor: Corridor;
  /** True when whoever connects may be a proxy, so that an address of this machine says nothing. */
  readonly proxied: boolean;
  readonly url: () => string;
}

/** The HTTP mirror of the connector protocol: the same bodies and codes, with the matching status. */
export function addMirror(app: FastifyInstance, { corridor, url, proxied }: MirrorOptions): void {
  app.post("/v1/tools/call", async (request, reply) => {
    const origin = originOf(request);
    const { body } = request;
    const fault = requestFault({ jsonrpc: "2.0", method: "tools.call", params: body ?? null }, true);
    if (fault) {
      // Who may not call learns nothing of how to.
      const stranger = (await corridor.identify(origin.credential)) === undefined;
      const error = stranger ? new CallError("UNAUTHENTICATED", "This call carries no valid token.") : fault;
      return sendFailure(reply, await corridor.refuse(origin, "POST /v1/tools/call", error));
    }
    const { name, args, trace } = body as Record<string, unknown>;
    const { signal, off } = untilGone(reply);
    const bytes = Number(request.headers["content-length"]);
    const outcome = await corridor.handleCall({
      ...origin,
      name,
      args,
      trace: withTraceContext(trace, request.headers.traceparent),
      signal,
      ...(bytes >= 0 && { bytes }),
    });
    off();
    return sendOutcome(reply, outcome);
  });

  for (const method of postedMethods) {
    const path = `/v1/${method.replace(".", "/")}`;
    app.post(path, async (request, reply) => {
      const origin = originOf(request);
      const params = request.body ?? {};
      const fault = requestFault({ jsonrpc: "2.0", method, params: params as object }, true);
      if (!fault) {
        const { signal } = untilGone(reply);
        return sendResult(reply, await corridor.handleMethod({ ...origin, method, params, signal }));
      }
      // Who may not call learns nothing of how to.
      const stranger = (await corridor.identify(origin.credential)) === undefined;
      const error = stranger ? new CallError("UNAUTHENTICATED", "This carries no valid token.") : fault;
      return sendFailure(reply, await corridor.refuse(origin, `POST ${path}`, error));
    });
  }

  for (const [path, method] of [
    ["/v1/tools", "tools.list"],
    ["/v1/prompts", "prompts.list"],
    ["/v1/capabilities", "capabilities.get"],
    ["/v1/manifest", "manifest.get"],
  ] as const) {
    app.get(path, async (request, reply) =>
      sendResult(reply, await corridor.handleMethod({ ...originOf(request), method, params: {} })),
    );
  }

  app.post("/v1/audit/notes", async (request, reply) => {
    const origin = originOf(request);
    const { body: params } = request;
    const fault = requestFault({ jsonrpc: "2.0", method: "audit.note", params: params ?? null }, true);
    const stranger = fault && (await corridor.identify(origin.credential)) === undefined;
    if (fault && !stranger) return sendFailure(reply, await corridor.refuse(origin, "POST /v1/audit/notes", fault));
    return sendResult(
      reply,
      await corridor.handleMethod({ ...origin, method: "audit.note", params: stranger ? {} : params }),
    );
  });

  app.get("/v1/prompt", async (request, reply) => {
    const outcome = await corridor.handleMethod({ ...originOf(request), method: "prompt.get", params: {} });
    if (!outcome.ok) return sendFailure(reply, outcome);
    if (request.headers.accept?.includes("application/json")) return reply.send(outcome.result);
    return reply.type("text/plain; charset=utf-8").send((outcome.result as { text: string }).text);
  });

  app.get("/v1/health", async (request, reply) => {
    const health = corridor.health();
    const liveOnly = Object.hasOwn(request.query as object, "live");
    return reply.code(health.ready || liveOnly ? 200 : 503).send(health);
  });

  app.get("/metrics", async (request, reply) => {
    const origin = originOf(request);
    const near = !proxied && /^(::1|(::ffff:)?127\.)/.test(request.ip);
    if (!near && (await corridor.identify(origin.credential))?.owner !== true) {
      const error = new CallError("UNAUTHENTICATED", "The metrics are the owner's: send the owner's token.");
      return sendFailure(reply, await corridor.refuse(origin, "GET /metrics", error));
    }
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(corridor.metrics());
  });

  app.get("/openapi.json", async (_request, reply) => reply.send(toOpenApi(url())));

  app.get("/", async (_request, reply) =>
    reply.send({
      name: "portcullis",
      doors: {
        mcp: "/mcp",
        sse: "/sse/",
        websocket: "/v1/connector",
        call: "/v1/tools/call",
        openapi: "/openapi.json",
        health: "/v1/health",
      },
      next: "Every door but /v1/health and /v1/capabilities wants a token: Authorization: Bearer …",
    }),
  );
}
