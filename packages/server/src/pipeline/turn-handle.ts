import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Names of turns that only this server can make, for one grant each. */
export interface TurnHandles {
  /** What a turn of a grant is counted under: by the name that the client gave it, or by the purpose. */
  name(grant: string, turn: string): string;
  /** What a client is told of a turn, to send it back with its next calls. */
  toHandle(grant: string, name: string): string;
  /** The turn that a handle stands for; undefined for one that was invented, altered, or made for another grant. */
  fromHandle(grant: string, handle: string): string | undefined;
}

const mostRemembered = 1_000;

const shape = /^turn_([\w-]{16})([\w-]{16})$/;

/**
 * Handles carry their turn and a proof of it, so nothing is kept for them. The names of turns are made with the same key: purposes, which may be
 * private, can be read neither from a handle nor from what is counted.
 */
export function createTurnHandles(key: Buffer = randomBytes(32)): TurnHandles {
  const seal = (text: string): string =>
    createHmac("sha256", key).update(text).digest().subarray(0, 12).toString("base64url");
  // A run of calls asks for the same seals again and again.
  const known = new Map<string, string>();
  const remembered = (...parts: readonly string[]): string => {
    const text = JSON.stringify(parts);
    const found = known.get(text) ?? seal(text);
    if (known.size >= mostRemembered) known.clear();
    known.set(text, found);
    return found;
  };
  return {
    name: (grant, turn) => remembered("turn", grant, turn),
    toHandle: (grant, name) => `turn_${name}${remembered("handle", grant, name)}`,
    fromHandle(grant, handle) {
      const [, name = "", proof = ""] = shape.exec(handle) ?? [];
      if (name === "") return undefined;
      return timingSafeEqual(Buffer.from(proof), Buffer.from(remembered("handle", grant, name))) ? name : undefined;
    },
  };
}
