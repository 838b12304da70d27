import { genesis, linkHash } from "../../audit/chain.ts";
import { placeRecord } from "../../audit/record.ts";
import type { AuditLog, StoredRecord } from "../store.ts";

/** A chain that ends with the process, against the port's promise: for tests and trials alone. */
export function createAuditLog(): AuditLog {
  const records: StoredRecord[] = [];
  const ids = new Map<string, StoredRecord[]>();
  let closed = false;
  return {
    async append(entry) {
      if (closed) throw new Error("The audit is closed.");
      const seq = records.length + 1;
      const previous = records.at(-1)?.hash ?? genesis;
      const body = placeRecord(entry, seq, previous);
      const record = { seq, body, hash: linkHash(previous, body) };
      const { id } = JSON.parse(body) as { readonly id?: string };
      records.push(record);
      if (id !== undefined) ids.set(id, [...(ids.get(id) ?? []), record]);
      return record;
    },
    read: async (after, limit) => records.slice(after, after + limit),
    find: async (id) => ids.get(id) ?? [],
    head: async () => records.at(-1),
    fault: () => (closed ? "The audit is closed." : undefined),
    depth: () => 0,
    async close() {
      closed = true;
    },
  };
}
