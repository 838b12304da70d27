import type { MessageStore } from "../stores/message-store.ts";
import type { MessageChange } from "./link-messages.ts";
import { toKeptMessage, toRaw } from "./message.ts";
import type { Places } from "./places.ts";
import { isSnowflake } from "./snowflake.ts";

export interface DispatchOptions {
  readonly store: MessageStore;
  readonly places: Places;
  readonly tell: (change: MessageChange) => void;
  /** A thread has become known, or may have: its messages are to be read. */
  readonly newThreads: () => void;
}

/** The most deletions that one dispatch is taken for; Discord sends a hundred. */
const mostDeleted = 1_000;
/** Messages of which is known that they were told. */
const mostTold = 1_000;

/** Keeps the archive as the gateway says. A dispatch that comes twice, late, or broken changes nothing that is not so. */
export function createDispatches({ store, places, tell, newThreads }: DispatchOptions) {
  const remove = (ids: readonly unknown[]): void => {
    const known = ids.slice(0, mostDeleted).filter(isSnowflake);
    for (const message of store.remove(known)) tell({ kind: "deleted", message });
  };
  // A page that is read back may have brought a message before the gateway tells of it.
  const told = new Set<string>();
  const tellNew = (message: MessageChange["message"]): void => {
    if (told.has(message.id)) return;
    if (told.size >= mostTold) told.delete(told.keys().next().value ?? "");
    told.add(message.id);
    tell({ kind: "created", message: store.find(message.id) ?? message });
  };
  const put = (value: unknown, type: string): void => {
    const raw = toRaw(value);
    const place = places.of(raw.channel_id);
    if (!place || (raw.guild_id !== undefined && raw.guild_id !== place.guild) || !isSnowflake(raw.id)) return;
    const before = store.find(raw.id);
    const message = toKeptMessage(value, place, before);
    if (!message) return;
    const [done] = store.put([message]);
    if (done === "new" || (done === "same" && type === "MESSAGE_CREATE" && before)) tellNew(message);
    if (done === "changed") tell({ kind: "edited", message });
  };
  const addThreads = (values: unknown): void => {
    const added = Array.isArray(values) ? values.filter((value) => places.addThread(value)) : [];
    if (added.length > 0) newThreads();
  };

  return (type: string, data: unknown): void => {
    const raw = toRaw(data);
    switch (type) {
      case "MESSAGE_CREATE":
      case "MESSAGE_UPDATE":
        put(data, type);
        return;
      case "MESSAGE_DELETE":
        if (places.of(raw.channel_id)) remove([raw.id]);
        return;
      case "MESSAGE_DELETE_BULK":
        if (places.of(raw.channel_id) && Array.isArray(raw.ids)) remove(raw.ids);
        return;
      case "THREAD_CREATE":
      case "THREAD_UPDATE":
        addThreads([data]);
        return;
      case "THREAD_LIST_SYNC":
      case "GUILD_CREATE":
        addThreads(raw.threads);
        return;
      case "THREAD_DELETE":
      case "CHANNEL_DELETE":
        if (isSnowflake(raw.id) && places.of(raw.id)) places.drop(raw.id);
    }
  };
}
