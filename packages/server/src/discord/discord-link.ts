import { Worker } from "node:worker_threads";
import { CallError } from "@portcullis/contracts";
import type { KeptMessage, LinkStatus, MessageStore } from "../stores/message-store.ts";
import { openMessageStore } from "../stores/sqlite/message-store.ts";
import type { Asked, FetchedPlace, MessageChange, Told } from "./link-messages.ts";
import type { DiscordOptions } from "./settings.ts";

/** Who follows what happens. */
export interface Follower {
  changed(change: MessageChange): void;
  /** Something may have happened that was not told. */
  lost(): void;
}

/** The archive of the owner's channels, and what keeps it as Discord is. */
export interface DiscordLink {
  readonly channels: DiscordOptions["channels"];
  start(): void;
  /** The archive. Throws `UNAVAILABLE` while it cannot be opened. */
  store(): MessageStore;
  status(): LinkStatus;
  /** A sentence for the owner when something is not well. */
  fault(): string | undefined;
  follow(follower: Follower, until: AbortSignal): void;
  /** Asks Discord for one message of a listed channel; undefined when there is none. */
  fetch(place: FetchedPlace, signal: AbortSignal): Promise<KeptMessage | undefined>;
  stop(): Promise<void>;
}

export interface DiscordLinkOptions extends DiscordOptions {
  readonly fault: (message: string, cause: unknown) => void;
  /** How long after its unexpected end the thread is begun again, in ms. */
  readonly againMs?: number;
}

const thread = new URL(
  import.meta.url.endsWith(".ts") ? "./discord-worker.ts" : "./discord-worker.js",
  import.meta.url,
);
const resourceLimits = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 16 } as const;
const stopMs = 2_000;
const fetchMs = 15_000;
const mostWaiting = 64;

/** Discord in a thread of its own: neither its start, nor its size, nor its end holds the server up. */
export function createDiscordLink(options: DiscordLinkOptions): DiscordLink {
  const { fault, againMs = 5_000, ...data } = options;
  const followers = new Set<Follower>();
  const waiting = new Map<
    number,
    { resolve(message: KeptMessage | undefined): void; reject(error: CallError): void }
  >();
  let worker: Worker | undefined;
  let store: MessageStore | undefined;
  let again: NodeJS.Timeout | undefined;
  let stopped = false;
  let asked = 0;
  let broken: string | undefined;

  const hear = (told: Told): void => {
    if (told.kind === "change") for (const follower of followers) follower.changed(told.change);
    else if (told.kind === "lost") for (const follower of followers) follower.lost();
    else if (told.kind === "fault") fault(told.message, told.cause);
    else if (told.kind === "fetched") waiting.get(told.id)?.resolve(told.message);
    else if (told.kind === "failed") waiting.get(told.id)?.reject(unavailable(`Discord did not answer: ${told.why}`));
  };
  const begin = (): void => {
    // What the owner's memory of the environment holds is no business of a stranger's library.
    const begun = new Worker(thread, { workerData: data satisfies DiscordOptions, resourceLimits, env: {} });
    worker = begun;
    begun.on("message", hear);
    begun.on("error", (error) => {
      broken = `The connection to Discord failed (${error.message.slice(0, 200)}); it begins again.`;
      fault(broken, error);
    });
    begun.once("online", () => {
      broken = undefined;
    });
    begun.on("exit", () => {
      worker = undefined;
      for (const { reject } of waiting.values()) reject(unavailable("The connection to Discord has ended."));
      if (stopped) return;
      for (const follower of followers) follower.lost();
      again = setTimeout(begin, againMs);
    });
  };
  const status = (): LinkStatus => store?.status() ?? { state: "off", message: broken ?? "It was not begun.", at: 0 };

  return {
    channels: data.channels,
    start() {
      if (stopped || store) return;
      if (data.token === "") {
        broken = "There is no token of the bot: set discord.tokenFile or discord.tokenVariable.";
        fault(broken, undefined);
      }
      try {
        store = openMessageStore({ path: data.path });
        if (data.token === "") store.putStatus({ state: "refused", message: broken ?? "", at: Date.now() });
        else begin();
      } catch (error) {
        broken = `The archive of Discord's messages cannot be used: ${(error as Error).message}`;
        fault(broken, error);
      }
    },
    store() {
      if (store) return store;
      throw unavailable(broken ?? "The archive of Discord's messages is not open.");
    },
    status,
    fault() {
      if (broken !== undefined) return broken;
      const { state, message } = status();
      return state === "refused" || state === "waiting" ? `Discord: ${message}` : undefined;
    },
    follow(follower, until) {
      if (until.aborted) return;
      followers.add(follower);
      until.addEventListener("abort", () => followers.delete(follower), { once: true });
    },
    async fetch(message, signal) {
      const running = worker;
      if (!running || status().state === "refused") throw unavailable(status().message);
      if (waiting.size >= mostWaiting) throw unavailable("Too many messages are being asked for.");
      const id = asked++;
      const { promise, resolve, reject } = Promise.withResolvers<KeptMessage | undefined>();
      waiting.set(id, { resolve, reject });
      const stop = (): void => reject(signal.reason);
      const late = setTimeout(() => reject(unavailable(`Discord did not answer within ${fetchMs} ms.`)), fetchMs);
      signal.addEventListener("abort", stop, { once: true });
      try {
        signal.throwIfAborted();
        running.postMessage({ id, what: "fetch", message } satisfies Asked);
        return await promise;
      } finally {
        clearTimeout(late);
        signal.removeEventListener("abort", stop);
        waiting.delete(id);
      }
    },
    async stop() {
      stopped = true;
      clearTimeout(again);
      const running = worker;
      if (running) {
        const done = new Promise<void>((resolve) => {
          const late = setTimeout(resolve, stopMs);
          const end = (told?: Told): void => {
            if (told && told.kind !== "stopped") return;
            clearTimeout(late);
            resolve();
          };
          running.on("message", end);
          running.once("exit", () => end());
        });
        running.postMessage({ what: "stop" } satisfies Asked);
        await done;
        await running.terminate();
      }
      followers.clear();
      store?.close();
      store = undefined;
    },
  };
}

const unavailable = (message: string): CallError =>
  new CallError("UNAVAILABLE", message, {
    details: { reason: "discord", next: "Other tools work. `portcullis doctor` tells the owner what to do." },
  });
