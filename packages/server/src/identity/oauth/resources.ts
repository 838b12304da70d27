/** The URLs that this server goes by: what a token may be for (RFC 8707), and what it says of itself (RFC 9728). */
export interface Resources {
  /** The canonical origin, which is the issuer too. */
  issuer(): string;
  /** The origin under a Host that was checked: clients compare it with the URL that they know. */
  originOf(host: string | undefined): string;
  /** Whether an identifier names this server: anything else is another server's audience. */
  has(identifier: string): boolean;
}

/** The paths that clients may know the server by. */
const paths = new Set(["/", "/mcp", "/mcp/", "/sse", "/sse/", "/v1", "/v1/", "/v1/connector", "/v1/connector/"]);

export interface ResourceOptions {
  /** Where clients reach the server, without a slash at the end; known once it listens. */
  readonly url: () => string;
  /** Host names beside the URL's own and loopback's, as the Host check takes them. */
  readonly allowedHosts: readonly string[];
  /** The port that it listens on, 0 when the URL alone tells. */
  readonly port: number;
}

const isLoopback = (name: string): boolean =>
  name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);

export function createResources({ url, allowedHosts, port }: ResourceOptions): Resources {
  const allowed = new Set(allowedHosts.map((name) => name.toLowerCase().replace(/:\d+$/, "")));

  // Another server of this machine differs by its port alone.
  const isOwn = ({ protocol, hostname, origin, port: asked }: URL): boolean => {
    const own = new URL(url());
    if (origin === own.origin) return true;
    const local = port > 0 ? String(port) : own.port;
    if (isLoopback(hostname)) return protocol === "http:" && (asked === local || (local === "80" && asked === ""));
    return allowed.has(hostname) && protocol === own.protocol && (asked === own.port || asked === local);
  };

  return {
    issuer: () => new URL(url()).origin,
    originOf(host) {
      const own = new URL(url());
      const candidates = [`${own.protocol}//${host}`, `http://${host}`];
      for (const candidate of candidates) {
        const parsed = URL.canParse(candidate) ? new URL(candidate) : undefined;
        if (parsed && isOwn(parsed)) return parsed.origin;
      }
      return own.origin;
    },
    has(identifier) {
      // A URL's reading drops blanks and control characters, and takes a backslash for a slash.
      if (identifier.length > 512 || !/^[\x21-\x5b\x5d-\x7e]+$/.test(identifier)) return false;
      if (!URL.canParse(identifier)) return false;
      const parsed = new URL(identifier);
      const bare = parsed.username === "" && parsed.password === "" && parsed.search === "" && parsed.hash === "";
      return bare && !/[#?]$/.test(identifier) && paths.has(parsed.pathname) && isOwn(parsed);
    },
  };
}
