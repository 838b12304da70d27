import type { OAuthRecord, OAuthStore } from "../oauth-store.ts";

export function createOAuthStore(): OAuthStore {
  const records = new Map<string, OAuthRecord>();
  const key = (kind: string, id: string): string => `${kind} ${id}`;
  const drop = (isDropped: (record: OAuthRecord) => boolean): number => {
    const dropped = [...records].filter(([, record]) => isDropped(record));
    for (const [name] of dropped) records.delete(name);
    return dropped.length;
  };
  const list = (kind: string): readonly OAuthRecord[] =>
    [...records.values()]
      .filter((record) => record.kind === kind)
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return {
    put: async (record) => void records.set(key(record.kind, record.id), record),
    find: async (kind, id) => records.get(key(kind, id)),
    findByAlias: async (kind, alias) => list(kind).findLast((record) => record.alias === alias),
    list: async (kind) => list(kind),
    async consume(kind, id, at) {
      const found = records.get(key(kind, id));
      if (!found || found.consumedAt !== null) return false;
      records.set(key(kind, id), { ...found, consumedAt: at });
      return true;
    },
    remove: async (kind, id) => void records.delete(key(kind, id)),
    removeGrant: async (kind, grant) => void drop((record) => record.kind === kind && record.grant === grant),
    sweep: async (now) => drop(({ expiresAt }) => expiresAt !== null && expiresAt < now),
  };
}
