import { subprotocol } from "@portcullis/contracts";
import { ConnectionLost } from "./errors.ts";

/** One WebSocket, from its opening to its end. */
export interface Channel {
  send(text: string): void;
  /** Ends the connection; `reason` is what `ended` tells unless the server was first. */
  close(reason: string): void;
  /** Resolves with the reason when the connection has ended, however it did. */
  readonly ended: Promise<string>;
}

export interface ChannelOptions {
  readonly url: string;
  readonly WebSocket: typeof globalThis.WebSocket;
  /** How long to wait for the connection to open, in ms. */
  readonly openMs: number;
  receive(text: string): void;
}

/** Opens a connection; rejects with `ConnectionLost` when it does not come to be within `openMs`. */
export function openChannel({ url, WebSocket, openMs, receive }: ChannelOptions): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, subprotocol);
    let over = false;
    let end: (reason: string) => void = () => {};
    const ended = new Promise<string>((settle) => {
      end = settle;
    });
    // A server that is gone answers no close frame: what waits is told at once, whatever becomes of the socket.
    const close = (reason: string): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.close();
      reject(new ConnectionLost(reason));
      end(reason);
    };
    const timer = setTimeout(() => close(`no answer from ${url} within ${openMs} ms`), openMs);
    socket.onopen = () => {
      clearTimeout(timer);
      if (over) socket.close();
      else resolve({ send: (text) => socket.send(text), close, ended });
    };
    socket.onmessage = ({ data }) => {
      if (over) return;
      if (typeof data === "string") receive(data);
      else close("the server sent bytes instead of text");
    };
    socket.onerror = () => close(`${url} cannot be reached`);
    socket.onclose = ({ code, reason }) => close(reason || `closed with ${code}`);
  });
}
