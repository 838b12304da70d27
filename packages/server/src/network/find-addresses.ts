import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import { CallError } from "@portcullis/contracts";
import { type AddressClass, classifyAddress } from "./classify-address.ts";
import { createGate } from "./gate.ts";
import { toHost } from "./parse-url.ts";
import { type Hop, refuse } from "./refusal.ts";

/** Turns a host name into all of its addresses, in the order in which to try them. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/**
 * How far a URL may lead: nowhere; to public addresses; or, when its host is itself an address or `localhost`, to that private or loopback
 * address too. A name never opens a private address by itself: who answers for the name could then point it anywhere.
 */
export type Reach = "closed" | "public" | "private";

interface Target {
  readonly hop: Hop;
  readonly reach: Reach;
  /** True when the owner's configuration lists this very host and port as private. */
  readonly listed: boolean;
}

/** Addresses to try, each of a class that this target may reach, and the judgement itself for a second look after connecting. */
export interface Found {
  readonly addresses: readonly string[];
  readonly permits: (address: string) => boolean;
  readonly inside: boolean;
}

export type FindAddresses = (target: Target, signal: AbortSignal) => Promise<Found>;

// A lookup that hangs holds a thread of the pool that also reads files, so only half of that pool may wait for names.
const lookupsAtOnce = 2;
const lookupsWaiting = 64;

/** Answers with the addresses of a URL's host, looked up once; refuses unless every one of them may be reached. */
export function createFindAddresses(lookup: Lookup = lookUp, lookupMs = 3_000): FindAddresses {
  const gate = createGate(lookupsAtOnce, lookupsWaiting);

  const lookUpInTime = async (host: string, hop: Hop, signal: AbortSignal): Promise<readonly string[]> => {
    const leave = await gate.enter(signal);
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () =>
        reject(
          refuse("TIMEOUT", `The name ${host} was not resolved in time.`, {
            hop,
            reason: "dns_timeout",
            next: "Try again later.",
          }),
        ),
      lookupMs,
    );
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await Promise.race([lookup(host).finally(leave), late]);
    } catch (error) {
      if (error instanceof CallError) throw error;
      throw refuse("UPSTREAM", `The name ${host} has no address.`, {
        hop,
        reason: "dns",
        next: "Check the host's spelling; if it is right, try again later.",
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  };

  return async (target, signal) => {
    const host = toHost(target.hop.url);
    const literal = isIP(host) !== 0 || target.hop.url.hostname.startsWith("[");
    const addresses = literal ? [host] : await lookUpInTime(host, target.hop, signal);
    if (addresses.length === 0) {
      throw refuse("UPSTREAM", `The name ${host} has no address.`, {
        hop: target.hop,
        reason: "dns",
        next: "Check the host's spelling.",
      });
    }
    const permits = (address: string): boolean => mayReach(classifyAddress(address), { ...target, host, literal });
    const refused = addresses.find((address) => !permits(address));
    if (refused !== undefined) throw refuseAddress(classifyAddress(refused), target.hop);
    return { addresses, permits, inside: addresses.some((address) => classifyAddress(address) !== "public") };
  };
}

function mayReach(kind: AddressClass, target: Target & { readonly host: string; readonly literal: boolean }): boolean {
  switch (kind) {
    case "public":
      return true;
    case "loopback":
      return target.listed || (target.reach === "private" && (target.literal || target.host === "localhost"));
    case "private":
      return target.listed || (target.reach === "private" && target.literal);
    case "reserved":
      return false;
  }
}

// The address itself stays inside: the names and numbers of a private network are not the caller's to learn.
function refuseAddress(kind: AddressClass, hop: Hop): CallError {
  const open = kind !== "reserved";
  return refuse("PERMISSION_DENIED", `${hop.url.host} leads to a ${kind} address, which is not open to fetching.`, {
    hop,
    reason: "address",
    addressClass: kind,
    next: open
      ? "Tell the user. The owner can open it by listing host:port under http.privateHosts in the configuration. For an IP address or localhost, a policy that writes it out is enough, unless another of its patterns has a wildcard for all hosts."
      : "No policy can open this address. Use another source.",
  });
}

async function lookUp(host: string): Promise<readonly string[]> {
  const answers = await systemLookup(host, { all: true, order: "verbatim" });
  return answers.map(({ address }) => address);
}
