import type { Capabilities, MethodName, Outcome, Session, ToolList, Trace } from "@portcullis/contracts";
import { ConnectionLost, RefusedRequest } from "./errors.ts";
import { type EventHandlers, type Followed, follow } from "./follow.ts";
import { type Line, openLine } from "./line.ts";
import { createListeners } from "./listeners.ts";
import { type Piece, type ReadOptions, read } from "./read.ts";

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
  /** Calls a tool; a refusal is an outcome too. Rejects as `request` does. */
  call(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<Outcome>;
  /** Follows a topic, also over lost connections, until it is closed or has ended. */
  subscribe(topic: string, params: Readonly<Record<string, unknown>>, handlers: EventHandlers): Promise<Followed>;
  /** Reads a resource piece by piece, as fast as it is taken; a lost connection is gone on from where it broke. */
  read(uri: string, options?: ReadOptions): AsyncGenerator<Piece>;
  /** Any method; rejects with `RefusedRequest`, `MalformedAnswer` or `ConnectionLost`. */
  request(method: MethodName, params?: object, signal?: AbortSignal): Promise<unknown>;
  tools(): Promise<ToolList>;
  capabilities(): Promise<Capabilities>;
  /** Who the server takes us for, and until when; undefined while there is no connection. */
  readonly session: Pick<Session, "subject" | "expiresAt"> | undefined;
  close(): Promise<void>;
}

/** How long a request tries to come back to a lost server, in ms. */
const patienceMs = 30_000;
/** The longest time that a timer can be set to. */
const longestTimer = 2 ** 31 - 1;

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
  let line: Line | undefined;
  let opening: Promise<Line> | undefined;
  let session: Session | undefined;
  let closed = false;
  const listeners = createListeners();
  let refreshing: ReturnType<typeof setTimeout> | undefined;

  /** Asks for a session, new or prolonged, and again well before it ends, so that no call meets an ended one. */
  async function enter(through: Line, method: "auth.exchange" | "auth.refresh"): Promise<void> {
    const params = method === "auth.exchange" ? { token } : {};
    session = (await through.ask({ method, params })) as Session;
    clearTimeout(refreshing);
    const refresh = (): void => {
      enter(through, "auth.refresh").catch(() => through.close("the session could not be refreshed"));
    };
    refreshing = setTimeout(refresh, Math.min(longestTimer, Math.max(1_000, session.expiresInMs * 0.8)));
    (refreshing as { unref?: () => void }).unref?.();
  }

  async function open(): Promise<Line> {
    const opened = await openLine({ url, WebSocket, openMs, answerMs, hear: listeners.hear });
    void opened.ended.then(() => {
      if (line !== opened) return;
      line = undefined;
      session = undefined;
      clearTimeout(refreshing);
    });
    try {
      await enter(opened, "auth.exchange");
      if (closed) throw new ConnectionLost("the client is closed");
    } catch (error) {
      clearTimeout(refreshing);
      opened.close("the login failed");
      throw error;
    }
    line = opened;
    return opened;
  }

  /** The connection, opened anew when it was lost: at once, then after longer and longer waits, for half a minute at most. */
  async function reopen(): Promise<Line> {
    const giveUp = performance.now() + patienceMs;
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      try {
        return await open();
      } catch (error) {
        if (!(error instanceof ConnectionLost) || closed || performance.now() + wait > giveUp) throw error;
        // A part of it by chance, or all clients of a server would come back at the same moment.
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
        if (closed) throw error;
      }
    }
  }

  async function current(): Promise<Line> {
    if (line) return line;
    if (closed) throw new ConnectionLost("the client is closed");
    if (!reconnect) throw new ConnectionLost("it has ended, and this client does not come back");
    opening ??= reopen().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  await open();

  const around = { current, listeners, isClosed: () => closed, trace: options.trace };
  const request: Client["request"] = async (method, params = {}, signal) => {
    const through = await current();
    const question = { method, params, signal };
    try {
      return await through.ask(question);
    } catch (error) {
      const refused = error instanceof RefusedRequest && error.code === "UNAUTHENTICATED";
      if (!refused || method.startsWith("auth.")) throw error;
      // The session may have ended while this machine slept; whether the token still counts is the server's to say.
      await enter(through, "auth.exchange");
      return through.ask(question);
    }
  };

  return {
    request,
    subscribe: (topic, params, handlers) => follow({ ...around, topic, params, handlers }),
    read: (uri, reading = {}) => read({ ...around, ...reading, uri, trace: { ...options.trace, ...reading.trace } }),
    call: async (name, args = {}, { signal, ...trace } = {}) =>
      (await request("tools.call", { name, args, trace: { ...options.trace, ...trace } }, signal)) as Outcome,
    tools: async () => (await request("tools.list")) as ToolList,
    capabilities: async () => (await request("capabilities.get")) as Capabilities,
    get session() {
      return session && { subject: session.subject, expiresAt: session.expiresAt };
    },
    async close() {
      closed = true;
      clearTimeout(refreshing);
      const last = line;
      last?.close("the client is closed");
      await last?.ended;
    },
  };
}
