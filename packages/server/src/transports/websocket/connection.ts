import type { Socket } from "node:net";
import { CallError, isId, isRequest, type RequestId, type RpcRequest, type RpcResponse } from "@portcullis/contracts";
import type { WebSocket } from "ws";
import type { Sink } from "../../pipeline/arrival.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import { closeCodes } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { encode } from "./responses.ts";

export interface ConnectionOptions extends ConversationOptions {
  /** The TCP or TLS socket under the WebSocket. */
  readonly transport: Socket;
  readonly stallMs: number;
  /** Heartbeats after which a peer that has not logged in is shown out. */
  readonly loginBeats: number;
}

// Without a listener an error of the peer's (a frame too large, no UTF-8) would end the process; ws closes the socket itself.
const ignore = (): void => {};

/** JSON-RPC 2.0 over one WebSocket, until it closes. A class, since a server keeps ten thousand of them: closures would cost each one more. */
export class Connection {
  readonly socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #conversation: Conversation;
  readonly #outbox: Outbox;
  readonly #running = new Map<RequestId | symbol, AbortController>();
  /** Items that are being answered, refusals among them. */
  #active = 0;
  /** Messages whose answer has not been handed on. */
  #unanswered = 0;
  #idle: (() => void) | undefined;
  #beats = 0;
  #pingUnanswered = false;
  /** Made when something is first to follow an answer. */
  #sink: Sink | undefined;
  #gone: AbortController | undefined;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    this.#conversation = new Conversation({ ...options, loggedOut: () => this.#logOut(), sink: () => this.#toSink() });
    this.#outbox = new Outbox(socket, options.transport, options);
    socket.on("message", (data: Buffer, binary: boolean) => this.#take(data, binary));
    socket.on("pong", () => {
      this.#pingUnanswered = false;
    });
    socket.on("error", ignore);
  }

  /** The heartbeat: asks for a sign of life, and ends a peer that gave none since the last one. */
  beat(): void {
    if (!this.#conversation.loggedIn && ++this.#beats > this.#options.loginBeats) {
      this.socket.close(closeCodes.loginTimeout, "No auth.exchange came in time.");
      return;
    }
    // A peer that is not read from cannot be heard to answer; the outbox watches whether it takes what waits.
    if (this.socket.isPaused) {
      this.#pingUnanswered = false;
      return;
    }
    if (this.#pingUnanswered) {
      this.socket.terminate();
      return;
    }
    this.#pingUnanswered = true;
    this.socket.ping();
  }

  /** Reads no more; resolves once every request that runs was answered. */
  drain(): Promise<void> {
    this.#outbox.hold("closing");
    return new Promise((resolve) => {
      if (this.#unanswered === 0) resolve();
      else this.#idle = resolve;
    });
  }

  /** To be called when the socket has closed: withdraws what still runs. */
  ended(): void {
    this.#gone?.abort();
    this.#conversation.end();
    for (const controller of this.#running.values()) controller.abort();
  }

  #toSink(): Sink {
    this.#gone ??= new AbortController();
    this.#sink ??= {
      ready: () => this.#outbox.ready(),
      send: (notification) => this.#outbox.send(JSON.stringify({ jsonrpc: "2.0", ...notification })),
      gone: this.#gone.signal,
    };
    return this.#sink;
  }

  #logOut(): void {
    this.socket.close(closeCodes.loginEnded, "The token or session has ended.");
    // Paused, it would not see the peer's own close frame.
    this.socket.resume();
    for (const controller of this.#running.values()) controller.abort();
  }

  #take(data: Buffer, binary: boolean): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (binary) {
      this.socket.close(1003, "Send text frames: JSON-RPC is text.");
      return;
    }
    this.#unanswered += 1;
    this.#receive(data)
      // The corridor never rejects; should it, silence would be worse than the end of the connection.
      .catch(() => this.socket.terminate())
      .finally(() => {
        this.#unanswered -= 1;
        if (this.#unanswered === 0) this.#idle?.();
      });
  }

  async #receive(data: Buffer): Promise<void> {
    let message: unknown;
    let answer: RpcResponse | undefined;
    try {
      message = JSON.parse(data.toString("utf8"));
    } catch {
      answer = await this.#conversation.refuse(null, "message", new CallError("PARSE_ERROR", "This is not JSON."));
    }
    if (Array.isArray(message)) {
      const text = await this.#answerBatch(message, data.length);
      if (text !== undefined) this.#outbox.send(text);
      return;
    }
    answer ??= await this.#answerItem(message, data.length);
    if (answer) this.#outbox.send(encode(answer));
  }

  async #answerBatch(batch: readonly unknown[], bytes: number): Promise<string | undefined> {
    const { limits } = this.#options;
    if (batch.length === 0 || batch.length > limits.batch) {
      const message = batch.length === 0 ? "A batch is not empty." : `A batch holds at most ${limits.batch} requests.`;
      return JSON.stringify(await this.#conversation.refuse(null, "batch", new CallError("INVALID_REQUEST", message)));
    }
    const share = Math.ceil(bytes / batch.length);
    const most = limits.waiting / 2;
    const texts: string[] = [];
    let size = 0;
    for (const answer of await Promise.all(batch.map((item) => this.#answerItem(item, share)))) {
      if (!answer) continue;
      let text = encode(answer);
      if (size + text.length > most) {
        const error = new CallError("TOO_LARGE", "The answers of this batch are too large together.", {
          details: { bytes: text.length, limit: most, next: "Send these requests one by one." },
        });
        text = JSON.stringify(await this.#conversation.refuse(answer.id, "batch", error));
      }
      size += text.length;
      texts.push(text);
    }
    return texts.length === 0 ? undefined : `[${texts.join(",")}]`;
  }

  /** The answer to one item of whatever shape; undefined for a notification. */
  async #answerItem(item: unknown, bytes: number): Promise<RpcResponse | undefined> {
    const { inFlight } = this.#options.limits;
    this.#active += 1;
    // Refusals cost something too: who goes on sending while they are written is not read.
    if (this.#active >= 2 * inFlight) this.#outbox.hold("inFlight");
    try {
      if (!isRequest(item)) {
        // JSON-RPC 2.0, section 5: the id of an invalid request is null.
        const error = new CallError("INVALID_REQUEST", "This is no JSON-RPC 2.0 request.");
        return await this.#conversation.refuse(null, "message", error);
      }
      if (item.id !== undefined) return await this.#run(item, bytes);
      if (item.method === "call.cancel") this.#cancel(item);
      else if (item.method === "resources.credit") this.#credit(item);
      else await this.#run(item, bytes);
      return undefined;
    } finally {
      this.#active -= 1;
      if (this.#active < inFlight) this.#outbox.release("inFlight");
    }
  }

  #cancel({ params }: RpcRequest): void {
    const { id } = (params ?? {}) as { readonly id?: unknown };
    if (!isId(id)) return;
    this.#running.get(id)?.abort();
    if (typeof id === "string" && this.#sink) this.#options.corridor.withdraw(id, this.#sink);
  }

  #credit({ params }: RpcRequest): void {
    const { streamId, chunks } = (params ?? {}) as { readonly streamId?: unknown; readonly chunks?: unknown };
    // As for every notification, what makes no sense gets no answer.
    if (typeof streamId !== "string" || !Number.isInteger(chunks) || (chunks as number) < 1 || !this.#sink) return;
    this.#options.corridor.credit(streamId, this.#sink, chunks as number);
  }

  async #run(request: RpcRequest, bytes: number): Promise<RpcResponse> {
    const { id, method } = request;
    const { inFlight } = this.#options.limits;
    // A request with the id null, and a notification, cannot be named: any number of them may run.
    const key = id ?? Symbol();
    if (this.#running.has(key)) {
      const error = new CallError("INVALID_REQUEST", "A request with this id is running already.");
      return this.#conversation.refuse(id ?? null, method, error);
    }
    if (this.#running.size >= inFlight) {
      const message = `${inFlight} requests of this connection are running already; wait for one to end.`;
      const details = { bucket: "connection", capacity: inFlight, tokensLeft: 0, retryAfterMs: 100 };
      return this.#conversation.refuse(id ?? null, method, new CallError("RATE_LIMITED", message, { details }));
    }
    const controller = new AbortController();
    this.#running.set(key, controller);
    try {
      return await this.#conversation.answer(request, { bytes, signal: controller.signal });
    } finally {
      this.#running.delete(key);
    }
  }
}
