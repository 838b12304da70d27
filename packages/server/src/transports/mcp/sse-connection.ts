import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { SSEServerTransport } from "@modelcontextprotocol/server-legacy/sse";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestIdOf } from "./batch.ts";
import { recorded } from "./envelope.ts";
import { keepAliveEvery, maxWaiting } from "./http-reply.ts";
import type { Session } from "./sessions.ts";
import { toMessageExtra, type Visit } from "./visit.ts";

export interface SseConnectionOptions {
  readonly corridor: Corridor;
  readonly origin: Origin;
  readonly response: ServerResponse;
  /** Where the client is to post. */
  readonly path: string;
}

/** The SDK's transport of the older pair, with a heartbeat, a bound on what its client leaves unread, and records of what it refuses. */
export class SseConnection extends SSEServerTransport implements Session {
  readonly #options: SseConnectionOptions;
  readonly #running = new Set<RequestId>();

  constructor(options: SseConnectionOptions) {
    super(options.path, options.response);
    this.#options = options;
  }

  override async start(): Promise<void> {
    await super.start();
    const { response } = this.#options;
    const keepAlive = setInterval(() => response.write(": keepalive\n\n"), keepAliveEvery).unref();
    response.once("close", () => clearInterval(keepAlive));
  }

  isBusy(): boolean {
    return this.#running.size > 0;
  }

  isOpen(): boolean {
    return !this.#options.response.destroyed;
  }

  isRunning(id: RequestId): boolean {
    return this.#running.has(id);
  }

  receive(message: JSONRPCMessage, visit: Visit): void {
    const id = requestIdOf(message);
    if (id !== undefined) this.#running.add(id);
    this.onmessage?.(message, toMessageExtra(visit));
    if ("method" in message && message.method === "notifications/cancelled") {
      // The SDK answers no cancelled request.
      this.#running.delete(message.params?.requestId as RequestId);
    }
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    const { corridor, origin, response } = this.#options;
    const told = await recorded(corridor, origin, message);
    if (!("method" in told) && told.id !== undefined) this.#running.delete(told.id);
    await super.send(told);
    if (response.writableLength > maxWaiting) response.destroy();
  }
}
