import type { WebSocket } from "ws";

export interface Outbox {
  send(text: string): void;
  /** Stops reading from the peer for a reason, until that reason is released. */
  hold(reason: string): void;
  release(reason: string): void;
  /** True when bytes wait and none was taken since this was asked last: the peer does not read. */
  isStuck(): boolean;
}

const outboxes = new WeakMap<WebSocket, Outbox>();

export const outboxOf = (socket: WebSocket): Outbox | undefined => outboxes.get(socket);

/** What leaves one connection: while more than `most` bytes wait, nothing more is read, so a slow reader slows itself alone. */
export function createOutbox(socket: WebSocket, most: number): Outbox {
  const held = new Set<string>();
  let taken = 0;
  let takenBefore = -1;

  const outbox: Outbox = {
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(text, () => {
        taken++;
        if (socket.bufferedAmount <= most) outbox.release("outbound");
      });
      if (socket.bufferedAmount > most) outbox.hold("outbound");
    },
    hold(reason) {
      held.add(reason);
      if (!socket.isPaused) socket.pause();
    },
    release(reason) {
      if (held.delete(reason) && held.size === 0 && socket.isPaused) socket.resume();
    },
    isStuck() {
      const stuck = socket.bufferedAmount > 0 && taken === takenBefore;
      takenBefore = taken;
      return stuck;
    },
  };
  outboxes.set(socket, outbox);
  return outbox;
}
