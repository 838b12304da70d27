import type { ServerResponse } from "node:http";
import type { Notification, Sink } from "../../pipeline/arrival.ts";

/** A comment keeps the stream open where proxies close what is silent, in ms. */
const heartbeatMs = 15_000;
/** Bytes that wait for the client before events wait instead, and how long they may wait for it to take any (ms). */
const mostWaiting = 256 * 1024;
const stallMs = 40_000;

/** Begins server-sent events (WHATWG HTML, 9.2) on an answer whose head was not sent. */
export function beginStream(response: ServerResponse, first: string): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
  });
  response.write(`retry: 1000\n${first}\n`);
  const heartbeat = setInterval(() => {
    if (response.writableLength === 0) response.write(": heartbeat\n\n");
  }, heartbeatMs).unref();
  response.once("close", () => clearInterval(heartbeat));
}

/** A stream that the client does not read is cut off: what waits for it would never leave. */
export function endStream(response: ServerResponse): void {
  response.end();
  setTimeout(() => response.destroy(), 1_000).unref();
}

/** The way back to a client that reads events: each notification as one frame. It ends with the one of that method. */
export function toSink(
  response: ServerResponse,
  gone: AbortSignal,
  { toFrame, last }: { readonly toFrame: (notification: Notification) => string; readonly last: string },
): Sink {
  return {
    gone,
    ready: () =>
      new Promise((resolve) => {
        if (response.writableLength <= mostWaiting) return resolve();
        const stalled = setTimeout(() => response.destroy(), stallMs);
        response.once("drain", () => {
          clearTimeout(stalled);
          resolve();
        });
        response.once("close", () => clearTimeout(stalled));
      }),
    send(notification) {
      if (response.destroyed || response.writableEnded) return;
      response.write(toFrame(notification));
      if (notification.method === last) endStream(response);
    },
  };
}
