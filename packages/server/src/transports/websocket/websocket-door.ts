import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { subprotocol } from "@portcullis/contracts";
import { type WebSocket, WebSocketServer } from "ws";
import type { Corridor } from "../../pipeline/corridor.ts";
import { type ConnectionLimits, serveConnection } from "./connection.ts";
import { outboxOf } from "./outbox.ts";

export interface WebSocketDoorOptions {
  readonly corridor: Corridor;
  /** Bytes of one message. */
  readonly maxPayload?: number;
  readonly connections?: number;
  readonly limits?: ConnectionLimits;
  /** A peer that answers no ping, or takes nothing of what waits for it, for one to two of these (ms) is cut off. */
  readonly heartbeatMs?: number;
}

export interface WebSocketDoor {
  /** Takes over an upgrade whose Host and Origin were checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every connection with 1001; those that do not answer are cut off after `withinMs`. */
  close(withinMs: number): Promise<void>;
}

const mebibyte = 1024 * 1024;

/** The connector protocol's door: `/v1/connector`. */
export function createWebSocketDoor(options: WebSocketDoorOptions): WebSocketDoor {
  const { corridor, maxPayload = 4 * mebibyte, connections = 20_000, heartbeatMs = 20_000 } = options;
  const limits = options.limits ?? { batch: 100, inFlight: 256, outbound: mebibyte };
  // Compression is off: it costs memory for each peer, and length tells of secrets beside chosen text (CRIME).
  const server = new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
  });
  const waiting = new WeakSet<WebSocket>();

  const heartbeat = setInterval(() => {
    for (const socket of server.clients) {
      const outbox = outboxOf(socket);
      // A peer that we do not read from cannot be heard to answer.
      if ((waiting.has(socket) && !socket.isPaused) || outbox?.isStuck()) {
        socket.terminate();
        continue;
      }
      waiting.add(socket);
      socket.ping();
    }
  }, heartbeatMs).unref();

  return {
    upgrade(request, socket, head) {
      const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
      if (offered && !offered.includes(subprotocol))
        return refuseUpgrade(socket, "400 Bad Request", `The subprotocol is ${subprotocol}.`);
      if (server.clients.size >= connections)
        return refuseUpgrade(socket, "503 Service Unavailable", "There are too many connections.");
      server.handleUpgrade(request, socket, head, (accepted) => {
        accepted.on("pong", () => waiting.delete(accepted));
        const agent = request.headers["user-agent"]?.slice(0, 200);
        const peer = request.socket.remoteAddress;
        serveConnection(accepted, {
          corridor,
          limits,
          ...(peer && { peer }),
          ...(agent && { client: { name: agent } }),
        });
      });
    },

    async close(withinMs) {
      clearInterval(heartbeat);
      const ended = [...server.clients].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const socket of server.clients) socket.close(1001, "The server is shutting down.");
      const timer = setTimeout(() => {
        for (const socket of server.clients) socket.terminate();
      }, withinMs);
      await Promise.all(ended);
      clearTimeout(timer);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers an upgrade with a refusal and ends the connection. */
export function refuseUpgrade(socket: Duplex, status: string, message: string): void {
  const body = JSON.stringify({ ok: false, message });
  socket.once("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
