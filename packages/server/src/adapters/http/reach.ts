import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { Reach } from "../../network/find-addresses.ts";
import { toHost } from "../../network/parse-url.ts";
import type { Permit } from "../adapter.ts";

/**
 * How far policy lets a URL lead. A policy that writes out an address or `localhost` opens it even when it is private; one that only covers it with
 * a wildcard does not, or `http://*` would open every machine at home. A permit tells no patterns, but a wildcard that covers addresses covers
 * any host: so a host that nobody can have written is put to it, and if it allows that one too, it named none.
 */
export function toReach(permit: Permit, url: URL, method: string): Reach {
  const allows = ({ href }: URL): boolean => permit.allows({ kind: "url", href, method });
  if (!allows(url) || permit.leaves?.({ kind: "url", href: url.href, method }) === false) return "closed";
  const host = toHost(url);
  if (isIP(host) === 0 && host !== "localhost") return "public";
  return strangers().some((stranger) => allows(withHost(url, stranger))) ? "public" : "private";
}

function strangers(): readonly string[] {
  const [a = 0, b = 0, c = 0, ...rest] = randomBytes(16);
  const label = Buffer.from(rest).toString("hex");
  return [
    `x${label}`,
    `x${label}.invalid`,
    `127.${a}.${b}.${c}`,
    `[fd${label.slice(0, 2)}:${label.slice(2, 6)}::${label.slice(6, 10)}]`,
  ];
}

function withHost(url: URL, host: string): URL {
  const other = new URL(url);
  other.hostname = host;
  return other;
}
