import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId, Transport, TransportSendOptions } from "@modelcontextprotocol/server";
import type { Corridor } from "../../pipeline/corridor.ts";
import { requestIdOf } from "./batch.ts";
import { recorded } from "./envelope.ts";
import { createReply, type EventStream, openEventStream, type Reply, sendEmpty } from "./http-reply.ts";
import type { Session } from "./sessions.ts";
import { toMessageExtra, type Visit } from "./visit.ts";

export interface PostedMessages {
  readonly messages: readonly JSONRPCMessage[];
  readonly batch: boolean;
  readonly visit: Visit;
  readonly streams: boolean;
}

/**
 * A connection of the sessionful revisions over HTTP: each POST gets its reply, and a GET may hold a stream for what the server says by
 * itself. A client that leaves in the middle of a call has not cancelled it, says the specification; its answer is then lost.
 */
export class HttpSession implements Transport, Session {
  readonly sessionId: string;
  onmessage: Transport["onmessage"];
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  /** The revision that `initialize` agreed on. */
  revision: string | undefined;
  readonly #corridor: Corridor;
  readonly #left: () => void;
  readonly #replies = new Map<RequestId, { readonly reply: Reply; readonly visit: Visit }>();
  #stream: EventStream | undefined;
  #closed = false;

  /** `left` is called once it has ended. */
  constructor(sessionId: string, corridor: Corridor, left: () => void) {
    this.sessionId = sessionId;
    this.#corridor = corridor;
    this.#left = left;
  }

  async start(): Promise<void> {}

  setProtocolVersion = (version: string): void => {
    this.revision = version;
  };

  isBusy(): boolean {
    return this.#replies.size > 0;
  }

  isOpen(): boolean {
    return this.#stream !== undefined || this.isBusy();
  }

  /** Whether a call under this id still runs; the specification forbids to use an id twice. */
  isRunning(id: RequestId): boolean {
    return this.#replies.has(id);
  }

  /** Hands over the messages of one POST, and answers it when each request among them has its response. */
  post(response: ServerResponse, { messages, batch, visit, streams }: PostedMessages): void {
    const ids = messages.map(requestIdOf).filter((id) => id !== undefined);
    const headers = { "mcp-session-id": this.sessionId };
    const reply = createReply(response, { expects: ids.length, streams, batch, headers });
    for (const id of ids) this.#replies.set(id, { reply, visit });
    const extra = toMessageExtra(visit);
    for (const message of messages) {
      this.onmessage?.(message, extra);
      this.#forgetCancelled(message);
    }
    if (ids.length === 0) sendEmpty(response, 202);
  }

  /** Holds a GET open as the session's stream; false when it has one already. */
  listen(response: ServerResponse): boolean {
    if (this.#stream) return false;
    const stream = openEventStream(response, { "mcp-session-id": this.sessionId });
    this.#stream = stream;
    response.once("close", () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    return true;
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("method" in message) {
      const related = options?.relatedRequestId;
      if (related === undefined) this.#stream?.write(message);
      else this.#replies.get(related)?.reply.tell(message);
      return;
    }
    if (message.id === undefined) return;
    const open = this.#replies.get(message.id);
    if (!open) return;
    const told = "error" in message ? await recorded(this.#corridor, open.visit.origin, message) : message;
    // A cancellation or the session's end may have answered while the record was written.
    if (!this.#replies.delete(message.id)) return;
    open.reply.settle(told);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#left();
    this.#stream?.end();
    for (const [id, { reply }] of this.#replies) reply.settle(ended(id));
    this.#replies.clear();
    this.onclose?.();
  }

  // A cancelled request is never answered, so its POST would stay open for ever.
  #forgetCancelled(message: JSONRPCMessage): void {
    if (!("method" in message) || message.method !== "notifications/cancelled") return;
    const id = message.params?.requestId as RequestId | undefined;
    const open = id === undefined ? undefined : this.#replies.get(id);
    if (id === undefined || !open) return;
    this.#replies.delete(id);
    open.reply.settle(cancelled(id));
  }
}

const cancelled = (id: RequestId): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  error: { code: -32_011, message: "The call was cancelled.", data: { code: "CANCELLED" } },
});

const ended = (id: RequestId): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  error: { code: -32_014, message: "The session has ended.", data: { code: "UNAVAILABLE" } },
});
