import { DuplicateName, type TokenRecord, type TokenStore } from "../store.ts";

export function createTokenStore(): TokenStore {
  const tokens = new Map<string, TokenRecord>();
  let writes = 0;
  const all = (): readonly TokenRecord[] => [...tokens.values()];
  const isValid = ({ revokedAt, expiresAt }: TokenRecord, at: number): boolean =>
    revokedAt === null && (expiresAt === null || expiresAt > at);
  return {
    async add(record) {
      const { id, name, hash, createdAt } = record;
      if (all().some((token) => token.name === name && isValid(token, createdAt))) {
        throw new DuplicateName(`There is a token named ${name} already.`);
      }
      if (all().some((token) => token.id === id || token.hash === hash)) throw new Error("This token is kept already.");
      tokens.set(id, record);
      writes += 1;
    },
    findByHash: async (hash) => all().find((token) => token.hash === hash),
    find: async (id) => tokens.get(id),
    list: async () => all().toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
    async revoke(nameOrId, at) {
      const valid = all().filter((token) => isValid(token, at));
      const found = valid.find(({ id }) => id === nameOrId) ?? valid.find(({ name }) => name === nameOrId);
      if (!found) return undefined;
      const revoked = { ...found, revokedAt: at };
      tokens.set(found.id, revoked);
      writes += 1;
      return revoked;
    },
    version: async () => String(writes),
  };
}
