import type { MethodName } from "@portcullis/contracts";
import { ulid } from "ulid";
import { type Response, readMessage, readResult, type Told } from "./answers.ts";
import { type Channel, type ChannelOptions, openChannel } from "./channel.ts";
import { ConnectionLost } from "./errors.ts";

export interface Question {
  readonly method: MethodName;
  readonly params: object;
  /** Withdraws the call at the server, which answers that it did. */
  readonly signal?: AbortSignal | undefined;
}

/** One connection with the questions that were asked on it. */
export interface Line extends Pick<Channel, "close" | "ended"> {
  ask(question: Question): Promise<unknown>;
  /** Sends what gets no answer. */
  tell(method: string, params: object): void;
}

export interface LineOptions extends Omit<ChannelOptions, "receive"> {
  /** How long to wait for each answer, in ms. */
  readonly answerMs: number;
  /** What the server tells by itself. */
  hear(told: Told): void;
}

interface Waiting {
  readonly method: MethodName;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** How long a server that owes an answer may take to show that it lives, in ms. */
const probeMs = 5_000;

export async function openLine({ answerMs, hear, ...options }: LineOptions): Promise<Line> {
  const waiting = new Map<string, Waiting>();
  let over: string | undefined;

  function receive(text: string): void {
    let message: Response | Told | undefined;
    try {
      message = readMessage(text);
    } catch {
      channel.close("the server sent a malformed message");
      return;
    }
    if (message && "method" in message) {
      hear(message);
      return;
    }
    const response = message;
    const asked = response && waiting.get(response.id);
    if (!response || !asked) return;
    try {
      asked.resolve(readResult(asked.method, response));
    } catch (error) {
      asked.reject(error as Error);
    }
  }

  const channel = await openChannel({ ...options, receive });
  void channel.ended.then((reason) => {
    over = reason;
    for (const { reject } of waiting.values()) reject(new ConnectionLost(reason));
  });

  const ask = ({ method, params, signal }: Question, withinMs = answerMs): Promise<unknown> => {
    if (over !== undefined) return Promise.reject(new ConnectionLost(over));
    const id = ulid();
    const withdraw = (): void =>
      channel.send(JSON.stringify({ jsonrpc: "2.0", method: "call.cancel", params: { id } }));
    let timer: ReturnType<typeof setTimeout> | undefined;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { method, resolve, reject });
      timer = setTimeout(() => {
        withdraw();
        reject(new ConnectionLost(`no answer to ${method} within ${withinMs} ms`));
        if (method !== "health.check") probe();
      }, withinMs);
      channel.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      if (signal?.aborted) withdraw();
      signal?.addEventListener("abort", withdraw, { once: true });
    }).finally(() => {
      clearTimeout(timer);
      waiting.delete(id);
      signal?.removeEventListener("abort", withdraw);
    });
  };

  // A browser's WebSocket does not tell that the other side is gone; without this a dead line would be asked again and again.
  const probe = (): void => {
    ask({ method: "health.check", params: {} }, probeMs).catch(() => channel.close("the server is silent"));
  };

  const tell = (method: string, params: object): void => {
    if (over === undefined) channel.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  };
  return { tell, ask: (question) => ask(question), close: channel.close, ended: channel.ended };
}
