import { connect, type Socket } from "node:net";
import WebSocket from "ws";

/** A WebSocket spoken by hand: what is sent goes out as it is, and every message that comes in is kept. */
export interface SocketLine {
  send(...messages: readonly unknown[]): void;
  sendRaw(data: string | Buffer, binary?: boolean): void;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
  next(): Promise<any>;
  readonly heard: readonly unknown[];
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
}

export async function dialLine(port: number): Promise<SocketLine> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/connector`, "portcullis.v1");
  const heard: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  socket.on("message", (data) => {
    const message: unknown = JSON.parse(String(data));
    const first = waiting.shift();
    if (first) first(message);
    else heard.push(message);
  });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("open", resolve));
  return {
    send: (...messages) => {
      for (const message of messages) socket.send(JSON.stringify(message));
    },
    sendRaw: (data, binary = false) => socket.send(data, { binary }),
    next: () => (heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => waiting.push(resolve))),
    heard,
    closed,
    socket,
  };
}

export const ask = (id: unknown, method: string, params?: unknown) => ({ jsonrpc: "2.0", id, method, params });
export const call = (id: unknown, name: string, args: unknown = {}) => ask(id, "tools.call", { name, args });

/** A peer that has shaken hands and from then on reads only when it is told to. */
export async function dialRaw(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    "GET /v1/connector HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return socket;
}

/** A masked text frame; the mask is zero, so the payload stands as it is. */
export function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(payload.length < 126 ? 6 : 8);
  head[0] = 0x81;
  head[1] = 0x80 | Math.min(payload.length, 126);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
