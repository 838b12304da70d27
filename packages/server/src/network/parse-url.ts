/** Why a text is not a URL that may be fetched. `message` is a sentence for the caller. */
interface UrlFault {
  readonly reason: "length" | "characters" | "scheme" | "form" | "userinfo" | "host" | "port";
  readonly message: string;
}

export type ParsedUrl = { readonly url: URL } | { readonly fault: UrlFault };

const fault = (reason: UrlFault["reason"], message: string): ParsedUrl => ({ fault: { reason, message } });

const longest = 8_192;

// A backslash, a space or a control character is read differently by different parsers; none belongs in a URL (RFC 3986, 2).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ambiguous = /[\\\s\u0000-\u0020\u007f-\u009f]/u;
const host = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

// Ports of other protocols, whose servers could take a request's body for their own commands (Fetch standard, "bad port").
const badPorts = new Set(
  (
    "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 " +
    "465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 " +
    "6666 6667 6668 6669 6679 6697 10080"
  ).split(" "),
);

/**
 * Reads a URL once, by the WHATWG parser alone; the object that comes out serves policy and connection, so the two cannot disagree. What other
 * parsers would read differently is refused rather than repaired. The fragment, which is never sent, and a host's final dot are dropped.
 */
export function parseUrl(text: string): ParsedUrl {
  if (text.length > longest) return fault("length", `The URL is longer than ${longest} characters.`);
  if (!text.isWellFormed() || ambiguous.test(text)) {
    return fault("characters", "The URL contains a backslash, a space or a control character; percent-encode it.");
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    return fault("scheme", `Only http and https URLs can be fetched, not ${scheme.slice(0, 20)}.`);
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined || !URL.canParse(text))
    return fault("form", "This is not an absolute http or https URL.");
  if (authority.includes("@")) {
    return fault("userinfo", "The URL names a user or a password before its host; leave that part out.");
  }
  const url = new URL(text);
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.slice(0, -1);
  if (!url.hostname.startsWith("[") && !host.test(url.hostname)) {
    return fault("host", "The URL's host is not a domain name or an IP address.");
  }
  if (badPorts.has(url.port)) return fault("port", `Port ${url.port} belongs to another protocol.`);
  url.hash = "";
  return { url };
}

/** The host without the brackets of an IPv6 address. */
export const toHost = (url: URL): string => (url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname);

/** The port that is connected to, also where the URL leaves it out. */
export const toPort = (url: URL): number => Number(url.port || (url.protocol === "https:" ? 443 : 80));
