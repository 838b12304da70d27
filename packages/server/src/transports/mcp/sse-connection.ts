import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { SSEServerTransport } from "@modelcontextprotocol/server-legacy/sse";
import type { Credential, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestIdOf } from "./batch.ts";
import { recorded } from "./envelope.ts";
import { endWhenUnread, keepAliveEvery, maxWaiting } from "./http-reply.ts";
import { endStream } from "./login-end.ts";
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
  #login: { readonly credential: Credential; readonly unwatch: () => void } | undefined;

  constructor(options: SseConnectionOptions) {
    super(options.path, options.response);
    this.#options = options;
  }

  override async start(): Promise<void> {
    await super.start();
    const { response } = this.#options;
    endWhenUnread(response);
    const keepAlive = setInterval(() => response.write(": keepalive\n\n"), keepAliveEvery).unref();
    response.once("close", () => {
      clearInterval(keepAlive);
      this.#login?.unwatch();
    });
  }

  /** The stream lasts as long as the login that was shown last: clients renew theirs while it is open. */
  restOn(credential: Credential): void {
    const { corridor, response } = this.#options;
    if (response.destroyed || (this.#login && isSame(this.#login.credential, credential))) return;
    this.#login?.unwatch();
    this.#login = { credential, unwatch: corridor.watch(credential, () => endStream(response)) };
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

const isSame = (one: Credential, other: Credential): boolean =>
  one.kind === "token" && other.kind === "token" && one.token === other.token;
