import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * What an address belongs to. `reserved` is all that is reached in no case: link-local and the clouds' metadata services, multicast,
 * documentation, every kind of IPv6 that carries an IPv4 address inside, what nobody has been given, and what is no address.
 */
export type AddressClass = "public" | "private" | "loopback" | "reserved";

type Block<T> = readonly [T, number];

const v4 = (block: string): Block<ipaddr.IPv4> => ipaddr.IPv4.parseCIDR(block);
const v6 = (block: string): Block<ipaddr.IPv6> => ipaddr.IPv6.parseCIDR(block);

// IANA's special-purpose registry of IPv4, with multicast and class E.
const loopback4 = v4("127.0.0.0/8");
const private4 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map(v4);
const reserved4 = [
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "100.100.100.200/32", // a metadata service inside shared address space
].map(v4);

// IPv6 is judged the other way round: global unicast, without the blocks in it that are not. IPv4-mapped, -compatible and NAT64 lie outside.
const global6 = v6("2000::/3");
const private6 = v6("fc00::/7");
const metadata6 = v6("fd00:ec2::/32");
const reserved6 = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"].map(v6);

/** Judges an IP address in plain notation (four decimal parts, or RFC 4291 without a zone). Anything else is `reserved`. */
export function classifyAddress(address: string): AddressClass {
  if (isIPv4(address)) return classify4(ipaddr.IPv4.parse(address));
  if (isIPv6(address) && !address.includes("%")) return classify6(ipaddr.IPv6.parse(address));
  return "reserved";
}

/** Whether two notations mean one address. */
export function isSameAddress(a: string, b: string): boolean {
  if (isIPv4(a) !== isIPv4(b)) return false;
  if (isIPv4(a)) return a === b;
  return (
    isIPv6(a) && isIPv6(b) && ipaddr.IPv6.parse(a).toNormalizedString() === ipaddr.IPv6.parse(b).toNormalizedString()
  );
}

function classify4(address: ipaddr.IPv4): AddressClass {
  const inside = ([range, bits]: Block<ipaddr.IPv4>): boolean => address.match(range, bits);
  if (reserved4.some(inside)) return "reserved";
  if (inside(loopback4)) return "loopback";
  return private4.some(inside) ? "private" : "public";
}

function classify6(address: ipaddr.IPv6): AddressClass {
  const inside = ([range, bits]: Block<ipaddr.IPv6>): boolean => address.match(range, bits);
  if (address.toNormalizedString() === "0:0:0:0:0:0:0:1") return "loopback";
  if (inside(private6)) return inside(metadata6) ? "reserved" : "private";
  return inside(global6) && !reserved6.some(inside) ? "public" : "reserved";
}
