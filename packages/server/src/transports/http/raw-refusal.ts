import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "@portcullis/contracts";
import { refusalHead } from "./reply.ts";

/** Answers a request that no route has seen, and ends its connection: what is left of its body would be taken for the next request. */
export function sendRaw(response: ServerResponse, failure: Failure): void {
  const { status, headers } = refusalHead(failure);
  const body = JSON.stringify(failure);
  response
    .writeHead(status, {
      ...headers,
      connection: "close",
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    })
    .end(body);
}

/** Answers on a bare socket (an upgrade, or bytes that are no HTTP) and ends the connection. */
export function sendOnSocket(socket: Duplex, failure: Failure, status = refusalHead(failure).status): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(failure);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
