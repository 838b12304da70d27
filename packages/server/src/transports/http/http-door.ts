import { isUtf8 } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError, type Failure } from "@portcullis/contracts";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { createWebSocketDoor, refuseUpgrade } from "../websocket/websocket-door.ts";
import { checkSender, type SenderRules } from "./check-sender.ts";
import { bearerOf } from "./credential.ts";
import { addMirror, originOf } from "./mirror.ts";
import { addPermalink } from "./permalink.ts";
import { refusalHead, sendFailure } from "./reply.ts";

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
  readonly mcp: RawHandler;
  readonly sse: RawHandler;
  readonly maxBody?: number;
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

/** All doors that are reached over HTTP: the mirror, permalinks, MCP, and the WebSocket's upgrade, behind one check of Host and Origin. */
export function createHttpDoor(options: HttpDoorOptions): HttpDoor {
  const { corridor, host, port, publicUrl, mcp, sse, maxBody = 4 * 1024 * 1024 } = options;
  const rules = withPublicUrl(options, publicUrl);
  const websocket = createWebSocketDoor({ corridor, maxPayload: maxBody });
  let server: Server | undefined;

  const url = (): string =>
    publicUrl?.replace(/\/+$/, "") ||
    `http://${host.includes(":") ? `[${host}]` : host}:${(server?.address() as AddressInfo | null)?.port ?? port}`;

  const gate = (
    request: IncomingMessage,
    response: ServerResponse,
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ): void => {
    const fault = checkSender(request.headers, rules);
    const sender = senderOf(request);
    if (fault !== undefined) {
      void refuseSender(corridor, { ...sender, door: "http" }, fault).then(
        (failure) => sendRaw(response, failure),
        () => response.destroy(),
      );
      return;
    }
    const path = request.url ?? "/";
    if (mcpPath.test(path)) void mcp(request, response, sender);
    else if (ssePath.test(path)) void sse(request, response, sender);
    else handler(request, response);
  };

  const app = fastify({
    logger: false,
    bodyLimit: maxBody,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 8_192 },
    serverFactory: (handler) => {
      server = createServer(
        { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 },
        (request, response) => gate(request, response, handler),
      );
      return server;
    },
  });
  addBodies(app);
  addErrors(app, corridor);
  addMirror(app, { corridor, url });
  addPermalink(app, corridor);

  app.server.on("upgrade", (request, socket, head) => {
    socket.once("error", () => socket.destroy());
    const fault = checkSender(request.headers, rules);
    if (fault !== undefined) {
      void refuseSender(corridor, { ...senderOf(request), door: "websocket" }, fault).finally(() =>
        refuseUpgrade(socket, "403 Forbidden", fault),
      );
    } else if (!/^\/v1\/connector\/?(?:\?|$)/.test(request.url ?? "")) {
      refuseUpgrade(socket, "404 Not Found", "The WebSocket is at /v1/connector.");
    } else websocket.upgrade(request, socket, head);
  });

  return {
    url,
    listen: async () => {
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
      await websocket.close(withinMs);
      app.server.closeIdleConnections();
      const timer = setTimeout(() => app.server.closeAllConnections(), withinMs);
      await ended;
      clearTimeout(timer);
      await app.close();
    },
  };
}

const senderOf = (request: IncomingMessage): Pick<Origin, "credential" | "peer"> => ({
  credential: bearerOf(request.headers),
  ...(request.socket.remoteAddress && { peer: request.socket.remoteAddress }),
});

function withPublicUrl({ allowedHosts, allowedOrigins }: SenderRules, publicUrl: string | undefined): SenderRules {
  if (!publicUrl) return { allowedHosts, allowedOrigins };
  const { hostname, origin } = new URL(publicUrl);
  return { allowedHosts: [...allowedHosts, hostname], allowedOrigins: [...allowedOrigins, origin] };
}

const refuseSender = (corridor: Corridor, origin: Origin, fault: string): Promise<Failure> =>
  corridor.refuse(
    origin,
    "request",
    new CallError("PERMISSION_DENIED", fault, { details: { scope: null, reason: "sender" } }),
  );

function sendRaw(response: ServerResponse, failure: Failure): void {
  const { status, headers } = refusalHead(failure);
  response
    .writeHead(status, { ...headers, "content-type": "application/json", connection: "close" })
    .end(JSON.stringify(failure));
}

/** JSON as strict as the protocol: bytes that are no UTF-8 are refused instead of replaced, and no key can reach a prototype. */
function addBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body: Buffer, done) => {
    try {
      if (!isUtf8(body)) throw new SyntaxError("The body is not UTF-8.");
      done(null, JSON.parse(body.toString("utf8")));
    } catch (error) {
      done(new CallError("PARSE_ERROR", `The body is not JSON in UTF-8: ${(error as Error).message.slice(0, 100)}`));
    }
  });
}

function addErrors(app: FastifyInstance, corridor: Corridor): void {
  app.setErrorHandler(async (error: FastifyError | CallError, request, reply) => {
    const known = error instanceof CallError ? error : fromFastify(error);
    return sendFailure(
      reply,
      await corridor.refuse(originOf(request), `${request.method} ${pathOf(request.url)}`, known),
    );
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = pathOf(request.url);
    const other = (["GET", "POST"] as const).find(
      (method) => method !== request.method && app.hasRoute({ method, url: path }),
    );
    const error = other
      ? new CallError("INVALID_REQUEST", `${path} takes ${other}, not ${request.method}.`)
      : new CallError("NOT_FOUND", `There is nothing at ${path}.`, { details: { next: "GET / lists the doors." } });
    const failure = await corridor.refuse(originOf(request), `${request.method} ${path}`, error);
    return other ? reply.code(405).header("allow", other).send(failure) : sendFailure(reply, failure);
  });
}

const pathOf = (url: string): string => (url.split("?", 1)[0] ?? "/").slice(0, 200);

function fromFastify(error: FastifyError): CallError {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new CallError("TOO_LARGE", "The body is larger than this server takes.", {
        details: { next: "Send less at once." },
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new CallError("INVALID_REQUEST", "Send application/json.");
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new CallError("INVALID_REQUEST", error.message)
        : new CallError("INTERNAL", "The server failed to answer.", { cause: error });
  }
}
