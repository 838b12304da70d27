import type { ServerResponse } from "node:http";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";

/** The most bytes that may wait for a client that does not read its stream. */
export const maxWaiting = 8 * 1024 * 1024;

/** Proxies close connections on which nothing moves; a comment line keeps a stream open. In milliseconds. */
export const keepAliveEvery = 15_000;

/**
 * Ends a stream whose client has taken nothing for two heartbeats, though something was there: Node's own timeout knows whether the system has
 * taken any of a write, and ends the connection.
 */
export function endWhenUnread(response: ServerResponse, withinMs = 2 * keepAliveEvery): void {
  response.socket?.setTimeout(withinMs);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

export function sendEmpty(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": 0 });
  response.end();
}

/** A stream of server-sent events. It ends with its response, or when its client has left too much unread. */
export interface EventStream {
  write(message: JSONRPCMessage): void;
  end(): void;
}

export function openEventStream(response: ServerResponse, headers: Record<string, string> = {}): EventStream {
  response.writeHead(200, {
    ...headers,
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  endWhenUnread(response);
  const write = (frame: string): void => {
    if (response.destroyed || response.writableEnded) return;
    response.write(frame);
    if (response.writableLength > maxWaiting) response.destroy();
  };
  const keepAlive = setInterval(() => write(": keepalive\n\n"), keepAliveEvery).unref();
  response.once("close", () => clearInterval(keepAlive));
  return {
    write: (message) => write(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
    end() {
      clearInterval(keepAlive);
      response.end();
    },
  };
}

export interface ReplyOptions {
  /** How many responses the request's messages call for. */
  readonly expects: number;
  /** Whether the client takes a stream; without it, what comes before the last response is dropped. */
  readonly streams: boolean;
  readonly batch?: boolean;
  readonly headers?: Record<string, string>;
}

/** The answer to one POST: plain JSON, or a stream as soon as something has to be said before the last response. */
export interface Reply {
  /** A progress notification, or a question to the client. */
  tell(message: JSONRPCMessage): void;
  /** A response; the last one ends the reply. `status` counts where the reply is plain JSON. */
  settle(message: JSONRPCMessage, status?: number): void;
}

export function createReply(
  response: ServerResponse,
  { expects, streams, batch = false, headers = {} }: ReplyOptions,
): Reply {
  const settled: JSONRPCMessage[] = [];
  let left = expects;
  let stream: EventStream | undefined;
  const open = (): EventStream => {
    stream = openEventStream(response, headers);
    for (const message of settled) stream.write(message);
    return stream;
  };
  return {
    tell(message) {
      if (streams && left > 0 && !response.destroyed) (stream ?? open()).write(message);
    },
    settle(message, status = 200) {
      left -= 1;
      if (stream) {
        stream.write(message);
        if (left === 0) stream.end();
        return;
      }
      settled.push(message);
      if (left === 0) sendJson(response, status, batch ? settled : message, headers);
    },
  };
}
