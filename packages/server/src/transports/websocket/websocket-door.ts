import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { subprotocol } from "@portcullis/contracts";
import { type WebSocket, WebSocketServer } from "ws";
import type { Corridor } from "../../pipeline/corridor.ts";
import { Connection } from "./connection.ts";
import { type ConnectionLimits, connectionLimits } from "./limits.ts";

export interface WebSocketDoorOptions {
  readonly corridor: Corridor;
  /** How many connections may be open at once. */
  readonly connections?: number;
  readonly limits?: Partial<ConnectionLimits>;
  /** A peer that answers no ping for one to two of these (ms) is cut off, and so is one that takes nothing of what waits for it. */
  readonly heartbeatMs?: number;
  /** Heartbeats after which a peer that has not logged in is shown out. */
  readonly loginBeats?: number;
}

export interface WebSocketDoor {
  /** Why an upgrade is refused: the HTTP status and a sentence; undefined when `upgrade` may have it. */
  fault(request: IncomingMessage): { readonly status: 400 | 503; readonly message: string } | undefined;
  /** Takes over an upgrade that was checked. */
  upgrade(request: IncomingMessage, transport: Socket, head: Buffer): void;
  /**
   * Reads no more requests, lets those that run be answered, and closes every connection with 1001. Whatever is left after `withinMs` is
   * cut off.
   */
  close(withinMs: number): Promise<void>;
}

/** Connections are asked for a sign of life a part at a time: all at once would make every call wait. */
const parts = 20;

/** The connector protocol's door: `/v1/connector`. */
export function createWebSocketDoor(options: WebSocketDoorOptions): WebSocketDoor {
  const { corridor, connections = 20_000, heartbeatMs = 20_000, loginBeats = 3 } = options;
  const limits = { ...connectionLimits, ...options.limits };
  // Compression is off: it costs memory for each peer, and length tells of secrets beside chosen text (CRIME).
  const settings = {
    noServer: true,
    clientTracking: false,
    maxPayload: limits.maxPayload,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
    // How long a peer may take to answer a close frame; the package's types do not know of it.
    closeTimeout: 5_000,
  };
  const server = new WebSocketServer(settings);
  const open = Array.from({ length: parts }, () => new Set<Connection>());
  let count = 0;
  let arrivals = 0;
  let closing = false;

  let turn = 0;
  const heartbeat = setInterval(() => {
    turn = (turn + 1) % parts;
    for (const connection of open[turn] ?? []) connection.beat();
  }, heartbeatMs / parts).unref();

  const admit = (socket: WebSocket, request: IncomingMessage, transport: Socket): void => {
    const agent = request.headers["user-agent"]?.slice(0, 200);
    const peer = transport.remoteAddress;
    const connection = new Connection(socket, {
      corridor,
      limits,
      transport,
      stallMs: heartbeatMs,
      loginBeats,
      ...(peer && { peer }),
      ...(agent && { client: { name: agent } }),
    });
    const part = open[arrivals++ % parts];
    part?.add(connection);
    count += 1;
    socket.once("close", () => {
      connection.ended();
      part?.delete(connection);
      count -= 1;
    });
  };

  return {
    fault({ headers }) {
      const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
      // Who offers none is let in: simple tools have no way to name one.
      if (offered && !offered.includes(subprotocol)) {
        return { status: 400, message: `The subprotocol is ${subprotocol}.` };
      }
      if (closing) return { status: 503, message: "The server is shutting down." };
      if (count >= connections) return { status: 503, message: "There are too many connections." };
      return undefined;
    },

    upgrade(request, transport, head) {
      server.handleUpgrade(request, transport, head, (socket) => admit(socket, request, transport));
    },

    async close(withinMs) {
      closing = true;
      clearInterval(heartbeat);
      const all = open.flatMap((part) => [...part]);
      const timer = setTimeout(() => {
        for (const { socket } of all) socket.terminate();
      }, withinMs);
      await Promise.all(all.map(leave));
      clearTimeout(timer);
    },
  };
}

/** Ends when the connection has, which its own deadline or the door's makes sure of. */
async function leave(connection: Connection): Promise<void> {
  const { socket } = connection;
  if (socket.readyState === socket.CLOSED) return;
  const ended = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([connection.drain(), ended]);
  socket.close(1001, "The server is shutting down.");
  // Paused, it would not see the peer's own close frame.
  socket.resume();
  await ended;
}
