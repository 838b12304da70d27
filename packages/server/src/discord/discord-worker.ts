import { parentPort, workerData } from "node:worker_threads";
import { openMessageStore } from "../stores/sqlite/message-store.ts";
import { createDispatches } from "./follow-dispatches.ts";
import { openGateway } from "./gateway.ts";
import type { Asked, FetchedPlace, Told } from "./link-messages.ts";
import { toKeptMessage } from "./message.ts";
import { createPlaces } from "./places.ts";
import { createReadBack } from "./read-back.ts";
import { createRest } from "./rest.ts";
import type { DiscordOptions } from "./settings.ts";

// discord.js in a thread of its own: what it holds up, leaves behind or fails at is this thread's, which is ended or begun anew as a whole.
const options = workerData as DiscordOptions;
const tell = (told: Told): void => parentPort?.postMessage(told);
const fault = (message: string, cause: unknown): void =>
  tell({ kind: "fault", message, cause: String((cause as Error)?.message ?? cause).slice(0, 500) });

const store = openMessageStore(options);
const places = createPlaces(store, options.channels);
const ending = new AbortController();
let refused = false;
let lived = false;

const say = (state: "connecting" | "live" | "waiting" | "refused", message: string): void => {
  if (refused) return;
  refused = state === "refused";
  store.putStatus({ state, message, at: Date.now() });
};
say("connecting", "The connection is being made.");

const discord = await import("discord.js");
const rest = createRest(discord, options);
rest.on("rateLimited", ({ timeToReset, global }) => {
  if (timeToReset > 5_000)
    fault(
      `Discord lets ${global ? "nothing" : "a request"} through for ${Math.ceil(timeToReset / 1_000)} s.`,
      "rate limit",
    );
});
const change = (one: Extract<Told, { kind: "change" }>["change"]): void => tell({ kind: "change", change: one });
const readBack = createReadBack({ rest, store, places, tell: change, fault, signal: ending.signal });
const dispatch = createDispatches({ store, places, tell: change, newThreads: () => readBack.begin({ anew: false }) });

/** Once connected it is discord.js that keeps the connection; until then, or where Discord is away, it is tried again here. */
async function connect(waitMs: number): Promise<void> {
  try {
    await openGateway(
      { discord, rest, token: options.token, api: options.api },
      {
        dispatch(type, data) {
          try {
            dispatch(type, data);
          } catch (error) {
            fault(`What Discord told (${type.slice(0, 40)}) could not be kept.`, error);
            readBack.begin({ anew: true });
          }
        },
        began() {
          say("live", "Connected.");
          if (lived) tell({ kind: "lost" });
          lived = true;
          readBack.begin({ anew: true });
        },
        resumed: () => say("live", "Connected."),
        closed: (code) => say("waiting", `The connection was closed (${code}); it is made again.`),
        refused: (message) => say("refused", message),
      },
    );
  } catch (error) {
    const { status, message } = error as { status?: number; message: string };
    if (status === 401)
      return say(
        "refused",
        "Discord does not take the bot's token. Make a new one in the developer portal, and put it where discord.tokenFile or discord.tokenVariable says.",
      );
    say("waiting", `Discord cannot be reached; it is tried again. ${message}`.slice(0, 400));
    setTimeout(() => void connect(Math.min(waitMs * 2, 60_000)), waitMs * (0.5 + Math.random() / 2));
  }
}
void connect(1_000);

async function fetchMessage({ message, ...place }: FetchedPlace) {
  const found = places.of(place.thread ?? place.channel);
  if (!found || found.guild !== place.guild || found.channel !== place.channel) return undefined;
  try {
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(15_000)]);
    const raw = await rest.get(`/channels/${place.thread ?? place.channel}/messages/${message}`, { signal });
    const kept = toKeptMessage(raw, found);
    return kept?.id === message ? kept : undefined;
  } catch (error) {
    const { status } = error as { status?: number };
    if (status === 404 || status === 403) return undefined;
    throw error;
  }
}

parentPort?.on("message", (asked: Asked) => {
  if (asked.what === "fetch") {
    fetchMessage(asked.message).then(
      (message) => tell({ kind: "fetched", id: asked.id, message }),
      (error: Error) => tell({ kind: "failed", id: asked.id, why: error.message.slice(0, 300) }),
    );
    return;
  }
  ending.abort();
  store.putStatus({ state: "off", message: "The server was stopped.", at: Date.now() });
  store.close();
  tell({ kind: "stopped" });
});
