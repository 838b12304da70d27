import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CallError, type Failure } from "@portcullis/contracts";
import fastify, { type FastifyInstance } from "fastify";
import type { Door, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { createWebSocketDoor, type WebSocketDoor } from "../websocket/websocket-door.ts";
import { addForms, addJsonBodies } from "./body.ts";
import { checkSender, type SenderRules, toSenderRules } from "./check-sender.ts";
import { addClientDocument } from "./client-document.ts";
import { addConsentPages } from "./consent/consent-pages.ts";
import { addConsole } from "./console/console-door.ts";
import { bearerOf } from "./credential.ts";
import { addErrors, refuseError } from "./errors.ts";
import { addEvents } from "./events.ts";
import { addMirror } from "./mirror.ts";
import { isOAuthPath } from "./oauth/oauth-door.ts";
import { addPermalink } from "./permalink.ts";
import { sendOnSocket, sendRaw } from "./raw-refusal.ts";
import { addResources } from "./resources.ts";
import { addUserscript } from "./userscript.ts";

/** Answers requests whose body nobody has read, such as MCP's. Never rejects. */
export type RawHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  sender: Pick<Origin, "credential" | "peer">,
) => Promise<void>;

export interface HttpDoorOptions extends SenderRules {
  readonly corridor: Corridor;
  readonly host: string;
  readonly port: number;
  /** The URL that clients reach the server by, when it is not the one that it listens on. */
  readonly publicUrl?: string;
  readonly behindProxy?: boolean;
  readonly mcp: RawHandler;
  readonly sse: RawHandler;
  /** Logins of clients; without it nobody can log in but with a token of the owner's. */
  readonly logins?: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Bytes of one body, and of one message on the WebSocket. */
  readonly maxBody?: number;
  /** How long (ms) an answer is kept for a client that takes nothing of it; then the connection is cut off. */
  readonly unreadMs?: number;
}

export interface HttpDoor {
  /** Where clients reach the server, without a slash at the end; known once it listens. */
  url(): string;
  /** Rejects with the system's error (EADDRINUSE, EACCES …). */
  listen(): Promise<void>;
  /** Takes no more connections, lets running requests end within `withinMs`, then cuts them off. */
  close(withinMs: number): Promise<void>;
}

const ssePath = /^\/sse(?:\/|\/message)?(?:\?|$)/;
const mcpPath = /^\/mcp\/?(?:\?|$)/;
const connectorPath = /^\/v1\/connector\/?(?:\?|$)/;

/** How long a request's headers, and all of it, may take to arrive, and how long a quiet connection is kept, in ms. */
const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 65_000,
};

/** All doors that are reached over HTTP: the mirror, permalinks, MCP, and the WebSocket's upgrade, behind one check of Host and Origin. */
export function createHttpDoor(options: HttpDoorOptions): HttpDoor {
  const { corridor, host, port, publicUrl, maxBody = 4 * 1024 * 1024 } = options;
  const rules = toSenderRules(options, publicUrl);
  const websocket = createWebSocketDoor({ corridor, limits: { maxPayload: maxBody } });

  const url = (): string => {
    if (publicUrl) return publicUrl.replace(/\/+$/, "");
    const address = app.server.address() as AddressInfo | null;
    return `http://${host.includes(":") ? `[${host}]` : host}:${address?.port ?? port}`;
  };

  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: maxBody,
    routerOptions: { maxParamLength: 8_192 },
    serverFactory: (handler) => createGate({ ...options, rules, handler }),
    frameworkErrors: (error, request, reply) => void refuseError(corridor, { error, request, reply }),
    clientErrorHandler: (error, socket) => {
      if (error.code === "ECONNRESET") socket.destroy();
      else refuseBytes(corridor, socket, error.code);
    },
  });
  addJsonBodies(app);
  addForms(app);
  addErrors(app, corridor);
  addMirror(app, { corridor, url, proxied: options.behindProxy === true || Boolean(publicUrl) });
  const events = addEvents(app, { corridor });
  addResources(app, { corridor });
  addUserscript(app, { corridor });
  const secure = publicUrl?.startsWith("https:") === true;
  addPermalink(app, { corridor, secure });
  addConsentPages(app, { corridor, secure });
  const consoles = addConsole(app, { corridor, secure });
  addClientDocument(app, publicUrl);
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    upgrade({ corridor, websocket, rules }, { request, socket, head }),
  );

  return {
    url,
    async listen() {
      await app.ready();
      await new Promise<void>((resolve, reject) => {
        app.server.once("error", reject);
        app.server.listen(port, host, () => {
          app.server.off("error", reject);
          resolve();
        });
      });
    },
    async close(withinMs) {
      const ended = new Promise<void>((resolve) => app.server.close(() => resolve()));
      events.close();
      consoles.close();
      // A connection that has its answer would be kept for the next request.
      const sweep = setInterval(() => app.server.closeIdleConnections(), 50);
      const timer = setTimeout(() => app.server.closeAllConnections(), withinMs);
      await Promise.all([ended, websocket.close(withinMs)]);
      clearInterval(sweep);
      clearTimeout(timer);
      await app.close();
    },
  };
}

interface Gate extends Pick<HttpDoorOptions, "corridor" | "mcp" | "sse" | "logins" | "unreadMs"> {
  readonly rules: SenderRules;
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
}

/** The server itself. MCP's requests pass by the web framework, which would only cost them time and read their bodies. */
function createGate({ corridor, mcp, sse, logins, rules, handler, unreadMs = 30_000 }: Gate): Server {
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    // From when all of it is written: Node's own timeout knows whether the system has taken any of it, and ends the connection.
    response.once("prefinish", () => response.socket?.setTimeout(unreadMs));
    // A request that came behind another one begins to be answered when that one has been; it may take its time.
    response.once("socket", (socket: Socket) => socket.setTimeout(0));
    const fault = checkSender(request, rules);
    if (fault !== undefined) {
      refuseSender(corridor, { request, door: "http" }, fault).then(
        (failure) => sendRaw(response, failure),
        () => response.destroy(),
      );
      return;
    }
    const path = request.url ?? "/";
    const raw = mcpPath.test(path) ? mcp : ssePath.test(path) ? sse : undefined;
    if (raw) raw(request, response, senderOf(request)).catch(() => response.destroy());
    else if (logins && isOAuthPath(path)) logins(request, response).catch(() => response.destroy());
    else handler(request, response);
  };
  return createServer(
    {
      ...timeouts,
      maxHeaderSize: 16_384,
      // Some HTTP clients offer HTTP/2 in every request (Upgrade: h2c): those are answered as they are.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    },
    receive,
  );
}

const senderOf = (request: IncomingMessage): Pick<Origin, "credential" | "peer"> => ({
  credential: bearerOf(request.headers),
  ...(request.socket.remoteAddress && { peer: request.socket.remoteAddress }),
});

const refuseSender = (
  corridor: Corridor,
  { request, door }: { readonly request: IncomingMessage; readonly door: Door },
  fault: string,
): Promise<Failure> =>
  corridor.refuse(
    { ...senderOf(request), door },
    "request",
    new CallError("PERMISSION_DENIED", fault, { details: { scope: null, reason: "sender" } }),
  );

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function upgrade(
  { corridor, websocket, rules }: { corridor: Corridor; websocket: WebSocketDoor; rules: SenderRules },
  { request, socket, head }: Upgrade,
): void {
  const fall = (): void => {
    socket.destroy();
  };
  socket.once("error", fall);
  const answer = (refused: Promise<Failure>, status?: number): void => {
    refused.then(
      (failure) => sendOnSocket(socket, failure, status),
      () => socket.destroy(),
    );
  };
  const foreign = checkSender(request, rules);
  if (foreign !== undefined) {
    answer(refuseSender(corridor, { request, door: "websocket" }, foreign));
    return;
  }
  const origin: Origin = { ...senderOf(request), door: "websocket" };
  if (!connectorPath.test(request.url ?? "")) {
    const error = new CallError("NOT_FOUND", "The WebSocket is at /v1/connector.");
    answer(corridor.refuse(origin, "upgrade", error));
    return;
  }
  const fault = websocket.fault(request);
  if (fault) {
    const error = new CallError(fault.status === 503 ? "UNAVAILABLE" : "INVALID_REQUEST", fault.message);
    answer(corridor.refuse(origin, "upgrade", error), fault.status);
    return;
  }
  socket.off("error", fall);
  websocket.upgrade(request, socket as Socket, head);
}

/** Bytes that are no HTTP request, or one that took too long. */
function refuseBytes(corridor: Corridor, socket: Socket, code: string | undefined): void {
  const status = code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const origin: Origin = {
    door: "http",
    credential: { kind: "none" },
    ...(socket.remoteAddress && { peer: socket.remoteAddress }),
  };
  const error = new CallError(status === 408 ? "TIMEOUT" : "PARSE_ERROR", "This is no HTTP request, or not all of it.");
  corridor.refuse(origin, "bytes", error).then(
    (failure) => sendOnSocket(socket, failure, status),
    () => socket.destroy(),
  );
}
