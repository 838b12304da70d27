import { subprotocol } from "@portcullis/contracts";
import { ConnectionLost } from "./errors.ts";

/** One WebSocket, from its opening to its end. */
export interface Channel {
  send(text: string): void;
  close(): void;
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
    let end: (reason: string) => void = () => {};
    const ended = new Promise<string>((settle) => {
      end = settle;
    });
    const timer = setTimeout(() => fail(`no answer from ${url} within ${openMs} ms`), openMs);
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(new ConnectionLost(reason));
      end(reason);
      socket.close();
    };
    socket.onopen = () => {
      clearTimeout(timer);
      resolve({ send: (text) => socket.send(text), close: () => socket.close(1000), ended });
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") receive(data);
    };
    socket.onerror = () => fail(`${url} cannot be reached`);
    socket.onclose = ({ code, reason }) => fail(reason || `closed with ${code}`);
  });
}
