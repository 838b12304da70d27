import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { ConnectionLimits } from "./limits.ts";

/** Why nothing is read from a peer for the moment. */
export type Hold = "outbound" | "inFlight" | "closing";

export interface OutboxOptions {
  readonly limits: Pick<ConnectionLimits, "outbound" | "waiting">;
  /** A peer that takes nothing of what waits for so long (ms) is cut off. */
  readonly stallMs: number;
}

/**
 * What leaves one connection. While answers wait for the peer nothing more is read from it, so a slow reader slows itself alone, and one
 * that never reads is cut off.
 */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #transport: Socket;
  readonly #options: OutboxOptions;
  readonly #holds: Hold[] = [];
  readonly #waiting: string[] = [];
  #waitingBytes = 0;
  /** Whoever waits to be next; made when somebody does. */
  #idle: (() => void)[] | undefined;

  constructor(socket: WebSocket, transport: Socket, options: OutboxOptions) {
    this.#socket = socket;
    this.#transport = transport;
    this.#options = options;
  }

  send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#waiting.length === 0 && this.#fits(text)) this.#socket.send(text, this.#written);
    else this.#wait(text);
  }

  /** Resolves once little waits for the peer: for what can wait itself. Answers go first. */
  ready(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    this.#idle ??= [];
    const idle = this.#idle;
    return new Promise((resolve) => idle.push(resolve));
  }

  /** Stops reading from the peer for a reason, until that reason is released. */
  hold(reason: Hold): void {
    if (!this.#holds.includes(reason)) this.#holds.push(reason);
    if (!this.#socket.isPaused) this.#socket.pause();
  }

  release(reason: Hold): void {
    const at = this.#holds.indexOf(reason);
    if (at < 0) return;
    this.#holds.splice(at, 1);
    if (this.#holds.length === 0 && this.#socket.isPaused) this.#socket.resume();
  }

  #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#socket.bufferedAmount <= this.#options.limits.outbound / 4;
  }

  #fits(text: string): boolean {
    const queued = this.#socket.bufferedAmount;
    return queued === 0 || queued + text.length <= this.#options.limits.outbound;
  }

  #wait(text: string): void {
    if (this.#waiting.length === 0) {
      // Node's own timeout knows whether the system has taken any bytes of a write, which counting messages would not tell.
      this.#transport.setTimeout(this.#options.stallMs, this.#cutOff);
      this.hold("outbound");
    }
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes > this.#options.limits.waiting) this.#cutOff();
  }

  readonly #cutOff = (): void => this.#socket.terminate();

  // One listener for every write: it has work to do only while something waits.
  readonly #written = (): void => {
    this.#writeWaiting();
    const idle = this.#idle;
    if (!idle || !this.#isIdle()) return;
    this.#idle = undefined;
    for (const resolve of idle) resolve();
  };

  #writeWaiting(): void {
    if (this.#waiting.length === 0) return;
    let sent = 0;
    for (const text of this.#waiting) {
      if (!this.#fits(text)) break;
      sent += 1;
      this.#waitingBytes -= text.length;
      this.#socket.send(text, this.#written);
    }
    this.#waiting.splice(0, sent);
    if (this.#waiting.length > 0) return;
    this.#transport.setTimeout(0, this.#cutOff);
    this.release("outbound");
  }
}
