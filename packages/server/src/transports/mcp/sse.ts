import type { IncomingMessage, ServerResponse } from "node:http";
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  isJsonContentType,
} from "@modelcontextprotocol/server";
import { CallError } from "@portcullis/contracts";
import type { Origin } from "../../pipeline/arrival.ts";
import { idOf, parseMessage } from "./envelope.ts";
import type { HttpVisit, McpHttp, McpHttpOptions } from "./http.ts";
import { readBody } from "./http-body.ts";
import { type Refusal, refuse, refuseStranger } from "./http-refusal.ts";
import { sendEmpty } from "./http-reply.ts";
import { readInstructions } from "./instructions.ts";
import { enrol } from "./login-end.ts";
import { createMcpServer } from "./mcp-server.ts";
import { createSessions } from "./sessions.ts";
import { SseConnection } from "./sse-connection.ts";

/** Where clients of the older pair post their messages; the stream's first event tells them. */
export const sseMessagePath = "/sse/message";

/**
 * The pair of HTTP+SSE that preceded Streamable HTTP: a GET at `/sse` or `/sse/` holds the stream, and messages are posted to
 * `sseMessagePath`. One function answers at all three paths.
 */
export function createMcpSse({
  corridor,
  profile,
  now,
  sessions: limits,
  challenge,
}: Omit<McpHttpOptions, "fixtures">): McpHttp {
  const sessions = createSessions<SseConnection>(now, limits);

  const deny = ({ request, response, visit }: HttpVisit, refusal: Omit<Refusal, "origin" | "what">) =>
    refuse(corridor, response, { origin: visit.origin, what: `${request.method} /sse`, ...refusal });

  const open = async (at: HttpVisit): Promise<void> => {
    const { response, caller, visit } = at;
    const connection = new SseConnection({ corridor, origin: visit.origin, response, path: sseMessagePath });
    const { origin } = visit;
    const left = await enrol(corridor, { origin, caller, end: () => sessions.remove(connection.sessionId) });
    if (!sessions.add(connection.sessionId, caller.grant, connection)) {
      left();
      const error = new CallError("UNAVAILABLE", "There are too many connections, and calls run in all of them.");
      return deny(at, { error });
    }
    response.once("close", () => {
      left();
      sessions.remove(connection.sessionId);
    });
    connection.restOn(origin.credential);
    const instructions = await readInstructions(corridor, visit.origin, profile);
    await createMcpServer({ corridor, profile, visit, instructions }).connect(connection);
  };

  const receive = async (at: HttpVisit): Promise<void> => {
    const { request, response, visit, caller } = at;
    const id = new URL(request.url ?? "/", "http://sse").searchParams.get("sessionId");
    if (id === null) {
      const error = new CallError(
        "INVALID_REQUEST",
        "Open the stream with GET /sse first; its first event tells where to post.",
      );
      return deny(at, { error, status: 405, headers: { allow: "GET" } });
    }
    if (!isJsonContentType(request.headers["content-type"] ?? null)) {
      return deny(at, { error: new CallError("INVALID_REQUEST", "Send application/json."), status: 415 });
    }
    const connection = sessions.find(id, caller.grant);
    if (!connection) {
      return deny(at, { error: new CallError("NOT_FOUND", "There is no such connection; open one with GET /sse.") });
    }
    const bytes = await readBody(request);
    const message = parseMessage(bytes);
    if (!isJSONRPCRequest(message) && !isJSONRPCNotification(message) && !isJSONRPCResponse(message)) {
      const error = new CallError(
        "INVALID_REQUEST",
        "This is no JSON-RPC message, or several at once: post one at a time.",
      );
      return deny(at, { error, id: idOf(message) });
    }
    if (isJSONRPCRequest(message) && connection.isRunning(message.id)) {
      return deny(at, {
        error: new CallError("INVALID_REQUEST", "A request with this id is running already."),
        id: message.id,
      });
    }
    connection.restOn(visit.origin.credential);
    connection.receive(message, { origin: visit.origin, bytes: bytes.length });
    sendEmpty(response, 202);
  };

  return {
    async handle(request: IncomingMessage, response: ServerResponse, sender): Promise<void> {
      const origin: Origin = { door: "mcp-sse", ...sender };
      try {
        const caller = await corridor.identify(origin.credential);
        if (!caller) return await refuseStranger(corridor, response, origin, challenge);
        const at: HttpVisit = { request, response, caller, visit: { origin } };
        if (request.method === "GET") return await open(at);
        if (request.method === "POST") return await receive(at);
        const error = new CallError("INVALID_REQUEST", "Use GET for the stream and POST for messages.");
        await deny(at, { error, status: 405, headers: { allow: "GET, POST" } });
      } catch (error) {
        const known =
          error instanceof CallError
            ? error
            : new CallError("INTERNAL", "The server failed to answer.", { cause: error });
        await refuse(corridor, response, { origin, what: `${request.method} /sse`, error: known }).catch(() =>
          response.destroy(),
        );
      }
    },
    close: () => sessions.closeAll(),
  };
}
