import type { SessionRecord, SessionStore } from "../store.ts";

const mostOfToken = 1_000;

export function createSessionStore(): SessionStore {
  const sessions = new Map<string, SessionRecord>();
  const shed = (token: string): void => {
    const own = [...sessions.values()].filter(({ tokenId }) => tokenId === token);
    if (own.length <= mostOfToken) return;
    own.sort((a, b) => b.expiresAt - a.expiresAt || b.createdAt - a.createdAt);
    for (const { id } of own.slice(mostOfToken)) sessions.delete(id);
  };
  return {
    async add(record) {
      if (sessions.has(record.id)) throw new Error("This session is kept already.");
      sessions.set(record.id, record);
      shed(record.tokenId);
    },
    find: async (id) => sessions.get(id),
    async extend(id, expiresAt) {
      const found = sessions.get(id);
      if (found) sessions.set(id, { ...found, expiresAt });
      return found !== undefined;
    },
    remove: async (id) => void sessions.delete(id),
    list: async () => [...sessions.values()].toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
    async sweep(now) {
      const ended = [...sessions.values()].filter(({ expiresAt }) => expiresAt < now);
      for (const { id } of ended) sessions.delete(id);
      return ended.length;
    },
    // No other process can see them.
    version: async () => "",
  };
}
