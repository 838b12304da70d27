import type { FlowRecord, FlowStore } from "../flow-store.ts";

export function createFlowStore(): FlowStore {
  const flows = new Map<string, FlowRecord>();
  let marks = new Map<string, string>();
  return {
    find: async (id) => flows.get(id),
    async change(id, work) {
      const record = work(flows.get(id));
      if (record) flows.set(id, record);
    },
    list: async () => [...flows.values()].toSorted((a, b) => b.readAt - a.readAt || (a.id < b.id ? -1 : 1)),
    async sweep(before) {
      const gone = [...flows.values()].filter(({ readAt }) => readAt < before);
      for (const { id } of gone) flows.delete(id);
      return gone.length;
    },
    async mark(uri, work) {
      marks = new Map(marks).set(uri, work(marks.get(uri)));
    },
    marks: async () => marks,
  };
}
