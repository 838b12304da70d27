import { setTimeout as pause } from "node:timers/promises";
import { Client, type Transport } from "@modelcontextprotocol/client";
import { CallError } from "@portcullis/contracts";
import { version } from "../../version.ts";

/** A way to a server; `fault` tells why it has ended. */
export type Way = Transport & { readonly fault?: string | undefined };

export interface ConnectionOptions {
  readonly name: string;
  /** Makes a way that has not been started. */
  open(): Way;
  /** Called with each new connection, and when the server says that what it offers has changed. Its faults are the connection's. */
  look(client: Client, signal: AbortSignal): Promise<void>;
  /** The server says that a resource has changed. */
  updated(uri: string): void;
  /** Why no connection can be made until the owner has done something; asked before each attempt, and without waiting. */
  blocked?(): CallError | undefined;
  readonly connectMs: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** For the owner's log. */
  tell(message: string, level?: "info"): void;
}

export interface Connection {
  /** The connected client; rejects at once while the server is waited for after a failure. */
  client(signal: AbortSignal): Promise<Client>;
  /** Ends the connection as broken: the next call makes another. */
  drop(why: string): void;
  /** Forgets a connection that the server does not know any more: the next call makes another at once. */
  renew(client: Client): void;
  stop(): Promise<void>;
}

/** How often it is looked whether the owner has done what a connection waits for (ms). */
const blockedMs = 2_000;
/** How long a connection has to hold before its failures are forgotten (ms). */
const soundMs = 30_000;
/** What a server says is left unread for this long before what it offers is looked at again. */
const quietMs = 250;

type Era = "auto" | "legacy";

/** Keeps one connection to a server: made when it is needed, made again after growing waits when it is lost, and never waited for by anyone else. */
export function createConnection(options: ConnectionOptions): Connection {
  const { name, connectMs, firstWaitMs, longestWaitMs, tell } = options;
  const ending = new AbortController();
  let current: Client | undefined;
  let connecting: Promise<Client> | undefined;
  let closing: Promise<void> = Promise.resolve();
  let failures = 0;
  let waitUntil = 0;
  let fault = "";
  let timer: NodeJS.Timeout | undefined;
  let era: Era = "auto";
  let blocked: CallError | undefined;

  const failed = (why: string): void => {
    const told = blocked !== undefined && fault === why;
    fault = why;
    blocked = options.blocked?.();
    const growing = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures++, 20)) * (0.75 + Math.random() / 4);
    const wait = blocked ? blockedMs : growing;
    waitUntil = performance.now() + wait;
    const again = blocked ? `${blocked.details?.next}` : `It is tried again in ${Math.ceil(wait / 1_000)} s.`;
    if (!told) tell(`The upstream server ${name} is not there: ${why.replace(/\.$/, "")}. ${again}`);
    if (ending.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(() => void connect().catch(() => {}), wait).unref();
  };

  const attempt = async (mode: Era): Promise<Client> => {
    const stopped = options.blocked?.();
    if (stopped) throw stopped;
    const way = options.open();
    const client = new Client(
      { name: "portcullis", version },
      {
        // Nothing of ours is offered to a stranger: neither a model, nor the owner's answers, nor folders.
        capabilities: {},
        versionNegotiation: { mode, probe: { timeoutMs: Math.min(3_000, connectMs) } },
        inputRequired: { autoFulfill: false },
        listMaxPages: 20,
        // What a server says of its answers is not made into code.
        jsonSchemaValidator: {
          getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
        },
      },
    );
    const late = AbortSignal.any([ending.signal, AbortSignal.timeout(connectMs * 2)]);
    let since = 0;
    let [looking, behind, over] = [false, false, false];
    // One look at a time, and one more after it when something was said meanwhile.
    const lookAgain = async (): Promise<void> => {
      looking = true;
      while (behind && !over && !ending.signal.aborted) {
        await pause(quietMs, undefined, { ref: false });
        behind = false;
        await options
          .look(client, ending.signal)
          .catch((error: unknown) => over || tell(`What ${name} offers cannot be listed: ${toReason(error)}.`));
      }
      looking = false;
    };
    for (const kind of ["tools", "prompts", "resources"] as const)
      client.setNotificationHandler(`notifications/${kind}/list_changed`, () => {
        behind = true;
        if (!looking) void lookAgain();
      });
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => options.updated(params.uri));
    client.onerror = () => {};
    try {
      await client.connect(way, { timeout: connectMs, signal: late });
      await options.look(client, late);
    } catch (error) {
      over = true;
      const why = way.fault;
      await client.close().catch(() => {});
      await way.close().catch(() => {});
      throw new Error(why ?? toReason(error), { cause: error });
    }
    since = performance.now();
    client.onclose = () => {
      over = true;
      if (current !== client) return;
      current = undefined;
      if (performance.now() - since > soundMs) failures = 0;
      if (!ending.signal.aborted) failed(way.fault ?? "the connection has ended");
    };
    if (way.fault !== undefined) throw new Error(way.fault);
    return client;
  };

  const connect = (): Promise<Client> => {
    clearTimeout(timer);
    connecting ??= closing
      .then(() => attempt(era))
      .catch((error: unknown) => {
        // Servers from before 2026 may end at the first question of the newer kind.
        if (era === "legacy" || ending.signal.aborted) throw error;
        era = "legacy";
        return attempt(era).catch((second: unknown) => {
          era = "auto";
          throw second;
        });
      })
      .then(
        (client) => {
          current = client;
          fault = "";
          return client;
        },
        (error: unknown) => {
          failed(toReason(error));
          throw error;
        },
      )
      .finally(() => {
        connecting = undefined;
      });
    return connecting;
  };

  const refuse = (cause?: unknown): CallError =>
    new CallError("UPSTREAM", `The upstream server ${name} is not there.`, {
      ...(cause !== undefined && { cause }),
      details: {
        source: name,
        reason: "connection",
        retryAfterMs: Math.max(0, Math.ceil(waitUntil - performance.now())),
        next: "Try again later, and tell the user if it stays away: its owner sees why in the server's log.",
      },
    });

  return {
    async client(signal) {
      const stopped = options.blocked?.();
      if (stopped) {
        // From then on it is looked by itself whether the owner has done it.
        if (!blocked && !current) connect().catch(() => {});
        throw stopped;
      }
      if (current) return current;
      if (ending.signal.aborted) throw refuse();
      // The owner has done it.
      if (blocked) [blocked, waitUntil, failures] = [undefined, 0, 0];
      if (!connecting && performance.now() < waitUntil) throw refuse(new Error(fault));
      return Promise.race([
        connect().catch((error: unknown) => {
          throw options.blocked?.() ?? refuse(error);
        }),
        untilAborted(signal),
      ]);
    },
    drop(why) {
      const client = current;
      if (!client) return;
      current = undefined;
      failed(why);
      closing = client.close().catch(() => {});
    },
    renew(client) {
      if (current !== client) return;
      current = undefined;
      closing = client.close().catch(() => {});
    },
    async stop() {
      ending.abort(new Error("The server is stopping."));
      clearTimeout(timer);
      const client = current;
      current = undefined;
      await connecting?.catch(() => {});
      await client?.close().catch(() => {});
      await closing;
    },
  };
}

const toReason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/[\s\p{Cc}]+/gu, " ").slice(0, 300);

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
