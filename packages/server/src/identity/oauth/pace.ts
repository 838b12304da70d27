export interface Pace {
  /** Whether one more of an address may pass now; those of no address count together alone. */
  admit(peer?: string): boolean;
}

/** Holds what anyone may ask for to so many in a minute, from one address and from all together. */
export function createPace(most: { readonly perPeer: number; readonly perMinute: number }, now: () => number): Pace {
  let minute = 0;
  let total = 0;
  const peers = new Map<string, number>();
  return {
    admit(peer) {
      const current = Math.floor(now() / 60_000);
      if (current !== minute) {
        minute = current;
        total = 0;
        peers.clear();
      }
      if (total >= most.perMinute) return false;
      if (peer !== undefined) {
        const count = peers.get(peer) ?? 0;
        if (count >= most.perPeer) return false;
        peers.set(peer, count + 1);
      }
      total += 1;
      return true;
    },
  };
}
