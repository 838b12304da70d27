import type { Readable, Writable } from "node:stream";
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
} from "@modelcontextprotocol/server";
import { CallError } from "@portcullis/contracts";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { idOf, maxMessageBytes, parseMessage, recorded, toErrorResponse, tooLarge } from "./envelope.ts";

/** How many requests may be unanswered before no more are read. */
const maxPending = 256;

/** How long (ms) calls may still run once the input has ended. */
const farewell = 10_000;

const newline = 0x0a;

export interface StdioLinesOptions {
  readonly corridor: Corridor;
  readonly origin: Origin;
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * The wire of stdio: one JSON message a line. The SDK's own drops a line that it cannot read without a word; here it is answered and
 * recorded like any other refusal.
 */
export class StdioLines implements Transport {
  onmessage: Transport["onmessage"];
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  /** Resolves when the connection has ended, from either side. */
  readonly closed: Promise<void>;
  readonly #options: StdioLinesOptions;
  readonly #pending = new Set<RequestId>();
  #refusing = 0;
  #line: Buffer[] = [];
  #size = 0;
  #tooLong = false;
  #ended = false;
  #closed = false;
  #tellClosed = (): void => {};
  /** What all writes wait for together while the client reads nothing. */
  #drained: { readonly promise: Promise<void>; readonly wake: () => void } | undefined;

  constructor(options: StdioLinesOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
  }

  async start(): Promise<void> {
    const { input, output } = this.#options;
    input.on("data", this.#read);
    input.once("end", this.#end);
    input.once("close", this.#end);
    input.once("error", this.#end);
    // The client has gone: nobody reads what is written.
    output.on("error", () => void this.close());
    if (input.readableEnded || input.destroyed) this.#end();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const told = await recorded(this.#options.corridor, this.#options.origin, message);
    await this.#write(told);
    if (!("method" in told) && told.id !== undefined) this.#settle(told.id);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { input } = this.#options;
    input.off("data", this.#read);
    input.off("end", this.#end);
    input.off("close", this.#end);
    input.off("error", this.#end);
    input.pause();
    this.#drained?.wake();
    this.onclose?.();
    this.#tellClosed();
  }

  #read = (chunk: Buffer | string): void => {
    let rest = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    for (let at = rest.indexOf(newline); at !== -1; at = rest.indexOf(newline)) {
      this.#keep(rest.subarray(0, at));
      this.#endLine();
      rest = rest.subarray(at + 1);
    }
    this.#keep(rest);
  };

  #keep(part: Buffer): void {
    this.#size += part.length;
    this.#tooLong ||= this.#size > maxMessageBytes;
    if (this.#tooLong) this.#line = [];
    else if (part.length > 0) this.#line.push(part);
  }

  #endLine(): void {
    const [line, tooLong] = [Buffer.concat(this.#line), this.#tooLong];
    [this.#line, this.#size, this.#tooLong] = [[], 0, false];
    if (tooLong) return void this.#refuse(tooLarge(), null);
    if (line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) return;
    let message: unknown;
    try {
      message = parseMessage(line);
    } catch (error) {
      return void this.#refuse(error as CallError, null);
    }
    this.#take(message);
  }

  #take(message: unknown): void {
    if (isJSONRPCRequest(message)) {
      if (this.#pending.has(message.id)) {
        return void this.#refuse(
          new CallError("INVALID_REQUEST", "A request with this id is running already."),
          message.id,
        );
      }
      this.#pending.add(message.id);
      if (this.#pending.size >= maxPending) this.#options.input.pause();
    } else if (Array.isArray(message)) {
      return void this.#refuse(
        new CallError("INVALID_REQUEST", "Send one message a line: batches are not taken here."),
        null,
      );
    } else if (!isJSONRPCNotification(message) && !isJSONRPCResponse(message)) {
      return void this.#refuse(new CallError("INVALID_REQUEST", "This is no JSON-RPC message."), idOf(message));
    }
    this.onmessage?.(message as JSONRPCMessage);
    if (isJSONRPCNotification(message) && message.method === "notifications/cancelled") {
      // The SDK answers no cancelled request.
      this.#settle(message.params?.requestId as RequestId);
    }
  }

  #settle(id: RequestId): void {
    this.#pending.delete(id);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#ended) this.#closeWhenAnswered();
    else if (!this.#closed && this.#pending.size < maxPending && this.#refusing < maxPending)
      this.#options.input.resume();
  }

  #end = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#line.length > 0) this.#endLine();
    this.#closeWhenAnswered();
    // `printf … | portcullis stdio` ends its input at once and still wants its answers.
    const timer = setTimeout(() => void this.close(), farewell);
    void this.closed.then(() => clearTimeout(timer));
  };

  #closeWhenAnswered(): void {
    if (this.#pending.size === 0 && this.#refusing === 0) void this.close();
  }

  async #refuse(error: CallError, id: RequestId | null): Promise<void> {
    const { corridor, origin } = this.#options;
    this.#refusing += 1;
    if (this.#refusing >= maxPending) this.#options.input.pause();
    try {
      await this.#write(toErrorResponse(await corridor.refuse(origin, "mcp line", error), id));
    } finally {
      this.#refusing -= 1;
      this.#goOn();
    }
  }

  #write(message: JSONRPCMessage): Promise<void> {
    const { output } = this.#options;
    if (this.#closed || output.destroyed) return Promise.resolve();
    const fits = output.write(`${JSON.stringify(message)}\n`);
    if (fits) return Promise.resolve();
    if (!this.#drained) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => {
        this.#drained = undefined;
        resolve();
      };
      this.#drained = { promise, wake };
      output.once("drain", wake);
    }
    return this.#drained.promise;
  }
}
