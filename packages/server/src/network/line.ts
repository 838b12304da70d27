import type { Socket } from "node:net";
import { Client } from "undici";
import type { Found } from "./find-addresses.ts";
import { createPinnedConnector, type Pin } from "./pinned-connector.ts";
import { refuseSize } from "./refusal.ts";

/** One connection to an address that was judged when it was opened. It is never opened a second time. */
export interface Line {
  readonly client: Client;
  /** The judgement that it was opened with. */
  readonly found: Found;
  /** When it was made (ms, monotonic). */
  readonly since: number;
  /** Counts what comes off the wire from now on; more than the pin's bytes end the connection. Calling the answer ends the watch. */
  watch(pin: Pin): () => void;
  readonly alive: boolean;
}

export interface LineOptions {
  /** The most that the head of an answer may have. */
  readonly headerBytes: number;
  /** Whoever asks bounds the time, of silence too. */
  readonly patient?: boolean;
}

/** Makes a connection, which is opened with its first exchange. */
export function createLine(pin: Pin, { headerBytes, patient = false }: LineOptions): Line {
  let socket: Socket | undefined;
  let used = false;
  const connect = createPinnedConnector(pin, (opened) => {
    socket = opened;
  });
  const client = new Client(pin.hop.url.origin, {
    // What was judged is this one connection: whoever needs another has its address judged anew.
    connect(options, callback) {
      if (used) return callback(Object.assign(new Error("The connection was closed."), { code: "ECONNRESET" }), null);
      used = true;
      connect(options, callback);
    },
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: headerBytes,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    ...(patient && { headersTimeout: 0, bodyTimeout: 0 }),
  });
  return {
    client,
    found: { addresses: pin.addresses, permits: pin.permits, inside: pin.inside },
    since: performance.now(),
    watch({ wireBytes, hop }) {
      const before = socket?.bytesRead ?? 0;
      const timer = setInterval(() => {
        if (socket && socket.bytesRead - before > wireBytes) socket.destroy(refuseSize(hop, wireBytes));
      }, 50);
      return () => clearInterval(timer);
    },
    get alive() {
      return !client.destroyed && client.stats.connected && socket?.destroyed === false;
    },
  };
}

/** How long a connection is kept that nobody uses, and how long one is kept at all: then its name is looked up and its address judged anew (ms). */
const idleMs = 15_000;
const longestMs = 60_000;
const mostIdle = 16;

/** Connections that wait for the next request to the same origin, under the same judgement of how far it may reach. */
export interface Lines {
  take(key: string): Line | undefined;
  give(key: string, line: Line): void;
}

export function createLines(now = () => performance.now()): Lines {
  const waiting = new Map<string, Line[]>();
  const isSound = (line: Line): boolean => line.alive && now() - line.since < longestMs;
  const known = new WeakSet<Line>();
  const end = (line: Line): void => void line.client.destroy().catch(() => {});
  const forget = (key: string, line: Line): void => {
    const others = waiting.get(key)?.filter((other) => other !== line) ?? [];
    if (others.length === 0) waiting.delete(key);
    else waiting.set(key, others);
    end(line);
  };
  return {
    take(key) {
      const lines = waiting.get(key) ?? [];
      for (let line = lines.pop(); line; line = lines.pop()) {
        if (lines.length === 0) waiting.delete(key);
        if (isSound(line)) return line;
        end(line);
      }
      return undefined;
    },
    give(key, line) {
      const lines = waiting.get(key) ?? [];
      if (!isSound(line) || lines.length >= mostIdle) return end(line);
      lines.push(line);
      waiting.set(key, lines);
      if (known.has(line)) return;
      known.add(line);
      line.client.once("disconnect", () => forget(key, line));
    },
  };
}
