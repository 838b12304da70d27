import type { Socket } from "node:net";
import { CallError, isId, isRequest, type RequestId, type RpcRequest, type RpcResponse } from "@portcullis/contracts";
import type { WebSocket } from "ws";
import { type ConversationOptions, createConversation } from "./conversation.ts";
import { closeCodes } from "./limits.ts";
import { createOutbox } from "./outbox.ts";

export interface ConnectionOptions extends ConversationOptions {
  /** The TCP or TLS socket under the WebSocket. */
  readonly transport: Socket;
  readonly stallMs: number;
  /** Heartbeats after which a peer that has not logged in is shown out. */
  readonly loginBeats: number;
}

/** One WebSocket that is spoken with. */
export interface Connection {
  readonly socket: WebSocket;
  /** The heartbeat: asks for a sign of life, and ends a peer that gave none since the last one. */
  beat(): void;
  /** Reads no more; resolves once every request that runs was answered. */
  drain(): Promise<void>;
}

/** Speaks JSON-RPC 2.0 over one WebSocket until it closes. */
export function serveConnection(socket: WebSocket, options: ConnectionOptions): Connection {
  const { limits, transport, stallMs, loginBeats } = options;
  const conversation = createConversation(options);
  const outbox = createOutbox({ socket, transport, limits, stallMs });
  const running = new Map<RequestId | symbol, AbortController>();
  /** Items that are being answered, refusals among them. */
  let active = 0;
  /** Messages whose answer has not been handed on. */
  let unanswered = 0;
  let idle: (() => void) | undefined;
  let beats = 0;
  let pingUnanswered = false;

  /** The answer to one item of whatever shape; undefined for a notification. */
  async function handle(item: unknown, bytes: number): Promise<RpcResponse | undefined> {
    if (!isRequest(item)) {
      // JSON-RPC 2.0, section 5: the id of an invalid request is null.
      return conversation.refuse(null, "message", new CallError("INVALID_REQUEST", "This is no JSON-RPC 2.0 request."));
    }
    const silent = item.id === undefined;
    if (silent && item.method === "call.cancel") {
      cancel(item);
      return undefined;
    }
    const answer = await run(item, bytes);
    return silent ? undefined : answer;
  }

  function cancel({ params }: RpcRequest): void {
    const { id } = (params ?? {}) as { readonly id?: unknown };
    if (isId(id)) running.get(id)?.abort();
  }

  async function run(request: RpcRequest, bytes: number): Promise<RpcResponse> {
    const { id, method } = request;
    // A request with the id null, and a notification, cannot be named: any number of them may run.
    const key = id ?? Symbol();
    if (running.has(key)) {
      const error = new CallError("INVALID_REQUEST", "A request with this id is running already.");
      return conversation.refuse(id ?? null, method, error);
    }
    if (running.size >= limits.inFlight) {
      const message = `${limits.inFlight} requests of this connection are running already; wait for one to end.`;
      const details = { bucket: "connection", capacity: limits.inFlight, tokensLeft: 0, retryAfterMs: 100 };
      return conversation.refuse(id ?? null, method, new CallError("RATE_LIMITED", message, { details }));
    }
    const controller = new AbortController();
    running.set(key, controller);
    try {
      return await conversation.answer(request, { bytes, signal: controller.signal });
    } finally {
      running.delete(key);
    }
  }

  async function handleCounted(item: unknown, bytes: number): Promise<RpcResponse | undefined> {
    active += 1;
    // Refusals cost something too: who goes on sending while they are written is not read.
    if (active >= 2 * limits.inFlight) outbox.hold("inFlight");
    try {
      return await handle(item, bytes);
    } finally {
      active -= 1;
      if (active < limits.inFlight) outbox.release("inFlight");
    }
  }

  async function handleBatch(batch: readonly unknown[], bytes: number): Promise<string | undefined> {
    if (batch.length === 0 || batch.length > limits.batch) {
      const message = batch.length === 0 ? "A batch is not empty." : `A batch holds at most ${limits.batch} requests.`;
      return JSON.stringify(await conversation.refuse(null, "batch", new CallError("INVALID_REQUEST", message)));
    }
    const share = Math.ceil(bytes / batch.length);
    const answers = await Promise.all(batch.map((item) => handleCounted(item, share)));
    const texts: string[] = [];
    let size = 0;
    for (const answer of answers) {
      if (!answer) continue;
      let text = JSON.stringify(answer);
      if (size + text.length > limits.waiting / 2) {
        const error = new CallError("TOO_LARGE", "The answers of this batch are too large together.", {
          details: { bytes: text.length, limit: limits.waiting / 2, next: "Send these requests one by one." },
        });
        text = JSON.stringify(await conversation.refuse(answer.id, "batch", error));
      }
      size += text.length;
      texts.push(text);
    }
    return texts.length === 0 ? undefined : `[${texts.join(",")}]`;
  }

  async function receive(data: Buffer): Promise<void> {
    let message: unknown;
    let answer: RpcResponse | undefined;
    try {
      message = JSON.parse(data.toString("utf8"));
    } catch {
      answer = await conversation.refuse(null, "message", new CallError("PARSE_ERROR", "This is not JSON."));
    }
    if (Array.isArray(message)) {
      const text = await handleBatch(message, data.length);
      if (text !== undefined) outbox.send(text);
      return;
    }
    answer ??= await handleCounted(message, data.length);
    if (answer) outbox.send(JSON.stringify(answer));
  }

  socket.on("message", (data: Buffer, binary: boolean) => {
    if (socket.readyState !== socket.OPEN) return;
    if (binary) {
      socket.close(1003, "Send text frames: JSON-RPC is text.");
      return;
    }
    unanswered += 1;
    receive(data).then(settle, fall);
  });
  const settle = (): void => {
    unanswered -= 1;
    if (unanswered === 0) idle?.();
  };
  // The corridor never rejects; should it, silence would be worse than the end of the connection.
  const fall = (): void => {
    socket.terminate();
    settle();
  };
  socket.on("pong", () => {
    pingUnanswered = false;
  });
  socket.once("close", () => {
    for (const controller of running.values()) controller.abort();
  });
  // Without a listener an error of the peer's (a frame too large, no UTF-8) would end the process; ws closes the socket itself.
  socket.on("error", () => {});

  return {
    socket,
    beat() {
      if (!conversation.loggedIn() && ++beats > loginBeats) {
        socket.close(closeCodes.loginTimeout, "No auth.exchange came in time.");
        return;
      }
      // A peer that is not read from cannot be heard to answer; the outbox watches whether it takes what waits.
      if (socket.isPaused) {
        pingUnanswered = false;
        return;
      }
      if (pingUnanswered) {
        socket.terminate();
        return;
      }
      pingUnanswered = true;
      socket.ping();
    },
    drain() {
      outbox.hold("closing");
      return new Promise((resolve) => {
        if (unanswered === 0) resolve();
        else idle = resolve;
      });
    },
  };
}
