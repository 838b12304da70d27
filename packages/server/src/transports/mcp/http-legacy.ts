import { randomUUID } from "node:crypto";
import {
  isInitializeRequest,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type McpServer,
  type Server,
  type ServerNotifier,
} from "@modelcontextprotocol/server";
import { CallError } from "@portcullis/contracts";
import type { Origin } from "../../pipeline/arrival.ts";
import { batchingRevisions, maxBatch } from "./batch.ts";
import { idOf } from "./envelope.ts";
import type { HttpVisit, McpHttpOptions } from "./http.ts";
import { takesStream } from "./http-modern.ts";
import { refuse } from "./http-refusal.ts";
import { sendEmpty } from "./http-reply.ts";
import { headerOf } from "./http-route.ts";
import { HttpSession } from "./http-session.ts";
import { readInstructions } from "./instructions.ts";
import { endWithLogin, enrol } from "./login-end.ts";
import { createMcpServer, legacyRevisions } from "./mcp-server.ts";
import { createSessions } from "./sessions.ts";

/** The sessionful revisions: `initialize` opens a session for the token that it came with. */
export interface LegacyHttp {
  serve(at: HttpVisit, message: unknown): Promise<void>;
  listen(at: HttpVisit): Promise<void>;
  end(at: HttpVisit): Promise<void>;
  close(): Promise<void>;
}

export function createLegacyHttp(options: McpHttpOptions, changed: ServerNotifier): LegacyHttp {
  const { corridor, profile, fixtures, now } = options;
  const sessions = createSessions<HttpSession>(now, options.sessions);

  const deny = (
    { response, visit }: HttpVisit,
    what: string,
    error: CallError,
    more: { status: number; id?: ReturnType<typeof idOf> },
  ) => refuse(corridor, response, { origin: visit.origin, what, error, ...more });

  const open = async (at: HttpVisit, message: JSONRPCMessage): Promise<void> => {
    const { response, request, caller, visit } = at;
    const id = randomUUID();
    const client = clientInfoOf(message);
    const origin: Origin = { ...visit.origin, ...(client && { client }) };
    const left = await enrol(corridor, { origin, caller, end: () => sessions.remove(id) });
    const session = new HttpSession(id, corridor, left);
    if (!sessions.add(id, caller.grant, session)) {
      left();
      const error = new CallError(
        "UNAVAILABLE",
        "There are too many sessions, and calls run in all of them; try again later.",
      );
      return deny(at, "initialize", error, { status: 503, id: idOf(message) });
    }
    const server: Server | McpServer =
      fixtures?.createServer(changed) ??
      createMcpServer({
        corridor,
        profile,
        visit,
        instructions: await readInstructions(corridor, visit.origin, profile),
      });
    await server.connect(session);
    session.post(response, { messages: [message], batch: false, visit, streams: takesStream(request.headers) });
  };

  /** The session that a request names, if this caller may use it; else the request has been refused. */
  const find = async (at: HttpVisit, what: string, message?: unknown): Promise<HttpSession | undefined> => {
    const { headers } = at.request;
    const id = headerOf(headers, "mcp-session-id");
    const revision = headerOf(headers, "mcp-protocol-version");
    if (id === undefined) {
      const error = new CallError(
        "INVALID_REQUEST",
        "This needs a session: send initialize first and its Mcp-Session-Id header with every request.",
      );
      await deny(at, what, error, { status: 400, id: idOf(message) });
      return undefined;
    }
    const session = sessions.find(id, at.caller.grant);
    if (!session) {
      const error = new CallError("NOT_FOUND", "There is no such session; send initialize to open one.");
      await deny(at, what, error, { status: 404, id: idOf(message) });
      return undefined;
    }
    if (revision !== undefined && !legacyRevisions.includes(revision)) {
      const error = new CallError(
        "INVALID_REQUEST",
        `The protocol version ${revision.slice(0, 32)} is not served; ${legacyRevisions.join(", ")} are.`,
      );
      await deny(at, what, error, { status: 400, id: idOf(message) });
      return undefined;
    }
    return session;
  };

  return {
    async serve(at, message) {
      const batch = Array.isArray(message);
      const messages = (batch ? message : [message]) as readonly unknown[];
      if (isInitializeRequest(message)) {
        if (headerOf(at.request.headers, "mcp-session-id") === undefined)
          return open(at, { jsonrpc: "2.0", ...message } as JSONRPCMessage);
        const error = new CallError("INVALID_REQUEST", "The session is open already.");
        return deny(at, "initialize", error, { status: 400, id: idOf(message) });
      }
      const session = await find(at, whatOf(message), message);
      if (!session) return;
      const fault = faultOf(session, messages, batch);
      if (fault)
        return deny(at, whatOf(message), new CallError("INVALID_REQUEST", fault), { status: 400, id: idOf(message) });
      const { response, request, visit } = at;
      session.post(response, {
        messages: messages as readonly JSONRPCMessage[],
        batch,
        visit,
        streams: takesStream(request.headers),
      });
    },

    async listen(at) {
      if (!takesStream(at.request.headers)) {
        return deny(
          at,
          "GET /mcp",
          new CallError("INVALID_REQUEST", "A GET opens a stream: accept text/event-stream."),
          { status: 406 },
        );
      }
      const session = await find(at, "GET /mcp");
      if (!session) return;
      if (session.listen(at.response)) return endWithLogin(corridor, at.visit.origin.credential, at.response);
      await deny(at, "GET /mcp", new CallError("INVALID_REQUEST", "The session has its stream already."), {
        status: 409,
      });
    },

    async end(at) {
      const session = await find(at, "DELETE /mcp");
      if (!session) return;
      sessions.remove(session.sessionId);
      sendEmpty(at.response, 200);
    },

    close: () => sessions.closeAll(),
  };
}

const clientInfoOf = (message: JSONRPCMessage): Origin["client"] => {
  const { clientInfo } = ("params" in message ? message.params : undefined) as { clientInfo?: { name: string } };
  return clientInfo && { name: clientInfo.name };
};

const whatOf = (message: unknown): string => {
  if (Array.isArray(message)) return "batch";
  const { method } = message as { method?: unknown };
  return typeof method === "string" ? method : "response";
};

function faultOf(session: HttpSession, messages: readonly unknown[], batch: boolean): string | undefined {
  if (batch && !batchingRevisions.includes(session.revision ?? ""))
    return `Revision ${session.revision} has no batches: send one message at a time.`;
  if (messages.length === 0 || messages.length > maxBatch) return `A batch holds 1 to ${maxBatch} messages.`;
  const ids = new Set<unknown>();
  for (const message of messages) {
    if (isJSONRPCRequest(message)) {
      if (message.method === "initialize") return "initialize cannot be part of a batch.";
      if (ids.has(message.id) || session.isRunning(message.id))
        return `A request with the id ${JSON.stringify(message.id)} is running already.`;
      ids.add(message.id);
    } else if (!isJSONRPCNotification(message) && !isJSONRPCResponse(message)) return "This is no JSON-RPC message.";
  }
  return undefined;
}
