import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { ConnectionLimits } from "./limits.ts";

export interface Outbox {
  send(text: string): void;
  /** Stops reading from the peer for a reason, until that reason is released. */
  hold(reason: Reason): void;
  release(reason: Reason): void;
}

type Reason = "outbound" | "inFlight" | "closing";

export interface OutboxOptions {
  readonly socket: WebSocket;
  readonly transport: Socket;
  readonly limits: Pick<ConnectionLimits, "outbound" | "waiting">;
  /** A peer that takes nothing of what waits for so long (ms) is cut off. */
  readonly stallMs: number;
}

/**
 * What leaves one connection. While answers wait for the peer nothing more is read from it, so a slow reader slows itself alone, and one
 * that never reads is cut off.
 */
export function createOutbox({ socket, transport, limits, stallMs }: OutboxOptions): Outbox {
  const held = new Set<Reason>();
  const waiting: string[] = [];
  let waitingBytes = 0;
  const cutOff = (): void => socket.terminate();

  const fits = (text: string): boolean => {
    const queued = socket.bufferedAmount;
    return queued === 0 || queued + text.length <= limits.outbound;
  };

  // One listener for every write: it has work to do only while something waits.
  const written = (): void => {
    if (waiting.length === 0) return;
    let sent = 0;
    for (const text of waiting) {
      if (!fits(text)) break;
      sent += 1;
      waitingBytes -= text.length;
      socket.send(text, written);
    }
    waiting.splice(0, sent);
    if (waiting.length > 0) return;
    // Node's own timeout knows whether the system has taken any bytes of a write, which counting messages would not tell.
    transport.setTimeout(0);
    transport.off("timeout", cutOff);
    outbox.release("outbound");
  };

  const outbox: Outbox = {
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (waiting.length === 0 && fits(text)) {
        socket.send(text, written);
        return;
      }
      if (waiting.length === 0) {
        transport.setTimeout(stallMs);
        transport.once("timeout", cutOff);
        outbox.hold("outbound");
      }
      waiting.push(text);
      waitingBytes += text.length;
      if (waitingBytes > limits.waiting) cutOff();
    },
    hold(reason) {
      held.add(reason);
      if (!socket.isPaused) socket.pause();
    },
    release(reason) {
      if (held.delete(reason) && held.size === 0 && socket.isPaused) socket.resume();
    },
  };
  return outbox;
}
