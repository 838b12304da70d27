/** Why the server must not listen there; undefined when it may. */
export function checkBind({
  host,
  behindProxy,
}: {
  readonly host: string;
  readonly behindProxy: boolean;
}): string | undefined {
  if (isLoopback(host) || behindProxy) return undefined;
  return `Listening on ${host} would send tokens and data over the network in clear. Stay on loopback, or put a proxy with TLS in front and declare it with behindProxy: true.`;
}

/** The names and addresses that never leave this machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
