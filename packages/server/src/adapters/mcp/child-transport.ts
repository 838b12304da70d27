import {
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { shapeFault } from "../../upstream/json-shape.ts";
import { type Child, type ChildOptions, startChild } from "./child.ts";
import { readLines } from "./lines.ts";
import { trimListing } from "./listing.ts";

export interface ChildTransportOptions extends ChildOptions {
  /** The longest message (bytes) that is taken. */
  readonly maxMessageBytes: number;
  /** A line that the child wrote to stderr. */
  complain(line: string): void;
}

const longestComplaint = 2_000;
/** Lines that are no answers: more than these within a while, and the child is ended. */
const mostNoise = 2_000;
const noiseMs = 10_000;

/** MCP's stdio: one JSON message a line. What breaks the protocol beyond repair ends the child. */
export class ChildTransport implements Transport {
  onmessage: Transport["onmessage"];
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  /** Why the connection has ended, for the owner. */
  fault: string | undefined;
  readonly #options: ChildTransportOptions;
  #child: Child | undefined;
  #closed = false;
  /** The questions that are not answered yet. */
  readonly #asked = new Set<unknown>();
  #noise = 0;
  #noiseSince = 0;

  constructor(options: ChildTransportOptions) {
    this.#options = options;
  }

  /** The SDK knows a transport over a child by these two. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }
  get stderr(): null {
    return null;
  }

  async start(): Promise<void> {
    if (this.#child) throw new Error("The child runs already.");
    const child = startChild(this.#options);
    this.#child = child;
    readLines(child.output, {
      longest: this.#options.maxMessageBytes,
      line: (text) => this.#take(text),
      tooLong: () => this.#break(`it sent a message of more than ${this.#options.maxMessageBytes} bytes`),
    });
    readLines(child.complaints, {
      longest: 1_048_576,
      line: (text) => this.#options.complain(text.slice(0, longestComplaint)),
      tooLong: () => this.#options.complain("(a line without an end; stderr is read no more)"),
    });
    void child.ended.then((how) => {
      this.fault ??= `it ended (${how})`;
      // What it wrote last is still on its way.
      setImmediate(() => this.#end());
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { input } = this.#child ?? {};
    if (!input?.writable || this.#closed) throw new Error("The child is gone.");
    if (input.writableLength > this.#options.maxMessageBytes * 4)
      throw new Error("The child does not read what it is sent.");
    if (isJSONRPCRequest(message)) this.#asked.add(message.id);
    input.write(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    this.fault ??= "it was stopped";
    await this.#child?.end();
    this.#end();
  }

  #take(text: string): void {
    if (this.#closed || text.trim() === "") return;
    const wrong = shapeFault(text);
    if (wrong !== undefined) {
      this.#withhold(text, wrong);
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(trimListing(JSON.parse(text)));
    } catch {
      this.#hush();
      this.onerror?.(new Error("It sent a line that is no message."));
      return;
    }
    if (!(isJSONRPCResponse(message) && this.#asked.delete(message.id))) this.#hush();
    this.onmessage?.(message);
  }

  /** A message that is not read: where it answers something, that is told. */
  #withhold(text: string, wrong: string): void {
    const [, id] =
      /"id"\s*:\s*(\d{1,15})/.exec(text.slice(0, 200)) ??
      /"id"\s*:\s*(\d{1,15})\s*\}?\s*$/.exec(text.slice(-200)) ??
      [];
    if (id === undefined || !this.#asked.delete(Number(id))) {
      this.#hush();
      return;
    }
    this.onmessage?.({ jsonrpc: "2.0", id: Number(id), error: { code: -32_603, message: `The answer ${wrong}.` } });
  }

  #hush(): void {
    const now = performance.now();
    if (now - this.#noiseSince > noiseMs) [this.#noise, this.#noiseSince] = [0, now];
    if (++this.#noise > mostNoise) this.#break(`it sent more than ${mostNoise} lines that answer nothing`);
  }

  #break(why: string): void {
    if (this.#closed) return;
    this.fault ??= why;
    void this.#child?.end(200);
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.();
  }
}
