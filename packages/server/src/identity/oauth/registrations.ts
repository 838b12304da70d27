import type { OAuthStore } from "../../stores/oauth-store.ts";
import { digest } from "../tokens.ts";
import { createPace } from "./pace.ts";

const hour = 3_600_000;
const day = 24 * hour;

const most = {
  /** Registrations in a minute, of one address and of all together. */
  perPeer: 10,
  perMinute: 30,
  /** Clients that nobody has granted anything: beyond, the oldest give way. */
  unused: 200,
};
/** How long a client is known before anything is granted to it, and after the last grant to it has ended. */
const unusedFor = 7 * day;
const knownFor = 30 * day;

export interface Registrations {
  /** Whether an address may register one more client now. */
  admit(peer: string): boolean;
  /** To be called for every client that was kept: gives it its end, and makes room. */
  registered(clientId: string): Promise<void>;
  /** A client was granted something until a time, or for as long as it is not withdrawn (null). */
  used(clientId: string, until: number | null): Promise<void>;
}

/** Keeps open registration in bounds: anyone may register, and most who do never come back. */
export function createRegistrations(store: OAuthStore, now: () => number): Registrations {
  const pace = createPace(most, now);
  return {
    admit: pace.admit,
    async registered(clientId) {
      const at = now();
      const record = await store.find("Client", digest(clientId));
      if (!record) return;
      await store.put({ ...record, alias: "unused", expiresAt: at + unusedFor });
      await store.sweep(at);
      const unused = (await store.list("Client")).filter(({ alias }) => alias === "unused");
      for (const { id } of unused.slice(0, Math.max(0, unused.length - most.unused))) await store.remove("Client", id);
    },
    async used(clientId, until) {
      const record = await store.find("Client", digest(clientId));
      if (!record) return;
      const end = until === null ? null : until + knownFor;
      const known = record.alias === "unused" ? 0 : record.expiresAt;
      const expiresAt = known === null || end === null ? null : Math.max(known, end);
      await store.put({ ...record, alias: null, expiresAt });
    },
  };
}
