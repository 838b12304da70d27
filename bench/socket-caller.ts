import WebSocket from "ws";
import type { Operation } from "./measure.ts";

export interface SocketTarget {
  readonly url: string;
  readonly token: string;
  readonly tool: string;
  /** The arguments of the next call. */
  readonly args: () => Readonly<Record<string, unknown>>;
  readonly expected: string;
}

/** A raw client of the connector protocol: one connection, answers matched by id. */
export async function createSocketCaller(target: SocketTarget): Promise<{ call: Operation; close(): void }> {
  const socket = new WebSocket(target.url, "portcullis.v1", { perMessageDeflate: false });
  const waiting = new Map<number, (text: string) => void>();
  let last = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("message", (data: Buffer) => {
    const text = data.toString("utf8");
    const id = Number(/"id":(\d+)/.exec(text)?.[1]);
    waiting.get(id)?.(text);
    waiting.delete(id);
  });
  const ask = (method: string, params: object): Promise<string> =>
    new Promise((resolve) => {
      const id = ++last;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  const opened = await ask("auth.exchange", { token: target.token });
  if (!opened.includes('"session"')) throw new Error(`No session: ${opened}`);
  return {
    async call() {
      const params = { name: target.tool, args: target.args(), trace: { purpose: "measure" } };
      const text = await ask("tools.call", params);
      if (!text.includes(target.expected)) throw new Error(`The server answered ${text.slice(0, 300)}`);
    },
    close: () => socket.close(),
  };
}
