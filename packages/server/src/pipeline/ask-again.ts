import { toCallHash } from "../consent/call-hash.ts";
import type { Arrival } from "./arrival.ts";
import { identify } from "./authenticate.ts";
import type { Parts } from "./parts.ts";

/** How long a sealed state counts where its request does not end sooner, in ms. */
const longest = 600_000;

/** Seals that this caller made this call and was told of this request; undefined when there is no such caller. */
export async function sealCall(parts: Parts, arrival: Arrival, request: string): Promise<string | undefined> {
  const caller = await identify(parts, arrival.credential);
  if (!caller) return undefined;
  const { subject, grant: client } = caller;
  return parts.consent.seal.close({
    ...{ request, subject, client, call: callOf(arrival) },
    expiresAt: parts.now() + longest,
  });
}

/**
 * Waits until the owner has answered the request of a sealed state, for at most `waitMs`. False when the state is not of this caller and this exact call. It
 * grants nothing: the call is judged again.
 */
export async function awaitOwner(
  parts: Parts,
  arrival: Arrival,
  { state, waitMs }: { readonly state: string; readonly waitMs: number },
): Promise<boolean> {
  const facts = parts.consent.seal.open(state, parts.now());
  const caller = await identify(parts, arrival.credential);
  if (!facts || !caller) return false;
  const same = facts.subject === caller.subject && facts.client === caller.grant && facts.call === callOf(arrival);
  if (same && waitMs > 0) await parts.consent.desk.wait(facts.request, waitMs);
  return same;
}

const callOf = ({ name, args }: Arrival): string => toCallHash(String(name), args ?? {});
