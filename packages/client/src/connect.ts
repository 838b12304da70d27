import type { Capabilities, MethodName, Outcome, RpcResponse, Session, ToolList, Trace } from "@portcullis/contracts";
import { ulid } from "ulid";
import { checkAnswer } from "./answers.ts";
import { type Channel, openChannel } from "./channel.ts";
import { ConnectionLost, RefusedRequest } from "./errors.ts";

export interface ConnectOptions {
  /** `ws://…/v1/connector` or `wss://…`. */
  readonly url: string;
  readonly token: string;
  /** What every call's trace says unless the call says otherwise. */
  readonly trace?: Trace;
  /** Comes back after the connection was lost (default true). Calls that were under way are refused: they may have been done. */
  readonly reconnect?: boolean;
  /** How long to wait for a connection and for each answer, in ms (default 10,000 and 60,000). */
  readonly openMs?: number;
  readonly answerMs?: number;
  /** The platform's own unless given. */
  readonly WebSocket?: typeof globalThis.WebSocket;
}

export interface CallOptions extends Trace {
  /** Withdraws the call; its answer is then a refusal with the code CANCELLED. */
  readonly signal?: AbortSignal;
}

export interface Client {
  /** Calls a tool; a refusal is an outcome too. */
  call(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<Outcome>;
  /** Any method; rejects with `RefusedRequest`, `MalformedAnswer` or `ConnectionLost`. */
  request(method: MethodName, params?: object, signal?: AbortSignal): Promise<unknown>;
  tools(): Promise<ToolList>;
  capabilities(): Promise<Capabilities>;
  close(): Promise<void>;
}

interface Waiting {
  readonly method: MethodName;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const patienceMs = 30_000;

/** Connects, logs in, and keeps the session fresh. Rejects when the server cannot be reached or refuses the token. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const {
    url,
    token,
    reconnect = true,
    openMs = 10_000,
    answerMs = 60_000,
    WebSocket = globalThis.WebSocket,
  } = options;
  const waiting = new Map<string, Waiting>();
  let channel: Channel | undefined;
  let opening: Promise<Channel> | undefined;
  let closed = false;
  let refreshing: ReturnType<typeof setTimeout> | undefined;

  function receive(text: string): void {
    const response = JSON.parse(text) as RpcResponse;
    const asked = typeof response.id === "string" ? waiting.get(response.id) : undefined;
    if (!asked) return;
    try {
      if ("error" in response) throw new RefusedRequest(response.error);
      checkAnswer(asked.method, response.result);
      asked.resolve(response.result);
    } catch (error) {
      asked.reject(error as Error);
    }
  }

  function ask(
    through: Channel,
    method: MethodName,
    at: { readonly params: object; readonly signal?: AbortSignal | undefined },
  ): Promise<unknown> {
    const id = ulid();
    const withdraw = (): void =>
      through.send(JSON.stringify({ jsonrpc: "2.0", method: "call.cancel", params: { id } }));
    let timer: ReturnType<typeof setTimeout> | undefined;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { method, resolve, reject });
      timer = setTimeout(() => reject(new ConnectionLost(`no answer to ${method} within ${answerMs} ms`)), answerMs);
      through.send(JSON.stringify({ jsonrpc: "2.0", id, method, params: at.params }));
      if (at.signal?.aborted) withdraw();
      at.signal?.addEventListener("abort", withdraw, { once: true });
    }).finally(() => {
      clearTimeout(timer);
      waiting.delete(id);
      at.signal?.removeEventListener("abort", withdraw);
    });
  }

  async function open(): Promise<Channel> {
    const opened = await openChannel({ url, WebSocket, openMs, receive });
    void opened.ended.then((reason) => {
      if (channel === opened) channel = undefined;
      clearTimeout(refreshing);
      for (const { reject } of waiting.values()) reject(new ConnectionLost(reason));
    });
    try {
      keepFresh(opened, (await ask(opened, "auth.exchange", { params: { token } })) as Session);
    } catch (error) {
      opened.close();
      throw error;
    }
    channel = opened;
    return opened;
  }

  /** Refreshes well before the end, so that no call meets an ended session. */
  function keepFresh(through: Channel, { expiresInMs }: Session): void {
    const again = async (): Promise<void> =>
      keepFresh(through, (await ask(through, "auth.refresh", { params: {} })) as Session);
    refreshing = setTimeout(() => void again().catch(() => through.close()), Math.max(1_000, expiresInMs * 0.8));
    (refreshing as { unref?: () => void }).unref?.();
  }

  /** The connection, opened anew when it was lost: at once, then after longer and longer waits, for half a minute at most. */
  async function reopen(): Promise<Channel> {
    const giveUp = Date.now() + patienceMs;
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      try {
        return await open();
      } catch (error) {
        if (!(error instanceof ConnectionLost) || closed || Date.now() + wait > giveUp) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      }
    }
  }

  async function current(): Promise<Channel> {
    if (channel) return channel;
    if (closed || !reconnect) throw new ConnectionLost("the client is closed");
    opening ??= reopen().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  await open();

  const request: Client["request"] = async (method, params = {}, signal) =>
    ask(await current(), method, { params, signal });
  return {
    request,
    call: async (name, args = {}, { signal, ...trace } = {}) =>
      (await request("tools.call", { name, args, trace: { ...options.trace, ...trace } }, signal)) as Outcome,
    tools: async () => (await request("tools.list")) as ToolList,
    capabilities: async () => (await request("capabilities.get")) as Capabilities,
    async close() {
      closed = true;
      clearTimeout(refreshing);
      channel?.close();
      await channel?.ended;
    },
  };
}
