import { full, writeState } from "../flow/state.ts";
import { EngineAway } from "../stores/engine.ts";
import type { FlowStore } from "../stores/flow-store.ts";

const everything = writeState(full({ tool: "portcullis", call: "its store is away" }));

/**
 * Flows that all replicas share. While their store is away a line of work counts as one that has seen everything, what it is given cannot be kept and is
 * refused, and so is what would be written; labels of resources are those that were known last.
 */
export function createSharedFlows(store: FlowStore, now: () => number): FlowStore {
  let marks: ReadonlyMap<string, string> | undefined;
  const read = async (): Promise<ReadonlyMap<string, string>> => {
    marks = await store.marks();
    return marks;
  };
  // A store that goes away before the first call would leave nothing known.
  read().catch(() => {});
  return {
    ...store,
    async find(id) {
      try {
        return await store.find(id);
      } catch (error) {
        if (!(error instanceof EngineAway)) throw error;
        const at = now();
        return { id, subject: "", grant: "", state: everything, openedAt: at, readAt: at, unsure: true };
      }
    },
    async marks() {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof EngineAway) || marks === undefined) throw error;
        return marks;
      }
    },
  };
}
