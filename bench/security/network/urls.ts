import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createGuardedFetch } from "../../../packages/server/src/network/guarded-fetch.ts";
import { toHost } from "../../../packages/server/src/network/parse-url.ts";
import type { Dial } from "../../../packages/server/src/network/pinned-connector.ts";
import { table } from "../../measure.ts";

/** A case of the Web Platform Tests: `hostname` is what the standard's parser makes of it. */
export interface UrlCase {
  readonly id: string;
  readonly input: string;
  readonly base: string | null;
  readonly failure: boolean;
  readonly hostname?: string;
}

export interface HostCase {
  readonly id: string;
  readonly input: string;
  readonly output: string | null;
}

/** What one fetch came to: the host that policy was asked about, the one whose address was dialled, and the one in the request's header. */
interface Seen {
  judged: string | undefined;
  dialled: string | undefined;
  header: string | undefined;
}

/**
 * Whether policy and connection always mean one host: each URL of the Web Platform Tests as a caller's own, and, where its base can be fetched, as
 * a redirect of that page.
 */
export async function tryUrls(urls: readonly UrlCase[], hosts: readonly HostCase[]): Promise<readonly string[]> {
  const cases: readonly UrlCase[] = [
    ...urls,
    ...hosts.map(({ id, input, output }) => ({
      id,
      input: `http://${input}/x`,
      base: null,
      failure: output === null,
      ...(output !== null && { hostname: output }),
    })),
  ];
  const failures: string[] = [];
  const direct = { all: 0, agreed: 0, read: 0 };
  const redirected = { all: 0, agreed: 0, read: 0 };
  const seen: Seen = { judged: undefined, dialled: undefined, header: undefined };
  let location: string | undefined;
  const server = createServer((request: IncomingMessage, response) => {
    seen.header = request.headers.host;
    response.setHeader("connection", "close");
    const to = location;
    location = undefined;
    if (to === undefined) response.setHeader("content-type", "text/plain").end("here");
    // By hand: Node refuses to send what a hostile server would.
    else request.socket.end(`HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ${to}\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // Each name has a public address of its own, so that what is dialled tells which name was looked up.
  const addresses = new Map<string, string>();
  const dial: Dial = (address) => {
    seen.dialled = addresses.get(address) ?? address;
    const socket = connect(port, "127.0.0.1");
    Object.defineProperty(socket, "remoteAddress", { value: address });
    return socket;
  };
  const guarded = createGuardedFetch({
    limits: { totalMs: 5_000 },
    dial,
    lookup: async (host) => {
      const n = addresses.size;
      const address = `93.184.${(n >> 8) & 255}.${n & 255}`;
      addresses.set(address, host);
      return [address];
    },
  });
  const fetchOne = async (url: string): Promise<boolean> => {
    Object.assign(seen, { judged: undefined, dialled: undefined, header: undefined });
    const reach = (asked: URL): "public" => {
      seen.judged = toHost(asked);
      // Until the connection says otherwise.
      seen.dialled = undefined;
      seen.header = undefined;
      return "public";
    };
    return guarded({ url, reach }).then(
      () => true,
      () => false,
    );
  };

  for (const { id, input, base, failure, hostname } of cases) {
    direct.all++;
    const read = await fetchOne(input);
    const right = agrees(seen, failure && base === null ? null : hostname);
    direct.agreed += Number(right);
    direct.read += Number(read);
    if (!right) failures.push(`FAILED ${id} ${JSON.stringify(input)}: ${JSON.stringify(seen)}`);
    const from = base !== null && /^https?:/.test(base) && URL.canParse(base) ? new URL(base) : undefined;
    // What a header cannot carry is no redirect.
    if (!from || from.protocol === "https:" || /[\r\n\0]/.test(input)) continue;
    redirected.all++;
    location = input;
    const followed = await fetchOne(from.href);
    const same = agrees(seen, failure ? from.hostname : hostname, from.hostname);
    redirected.agreed += Number(same);
    redirected.read += Number(followed);
    if (!same) failures.push(`FAILED as a redirect: ${id} ${JSON.stringify(input)}: ${JSON.stringify(seen)}`);
    location = undefined;
  }
  server.closeAllConnections();
  server.close();
  return [
    table([
      ["policy's host is the connected host", "of", "agree", "of them fetched"],
      ["as a caller's URL", `${direct.all}`, `${direct.agreed}`, `${direct.read}`],
      ["as a redirect", `${redirected.all}`, `${redirected.agreed}`, `${redirected.read}`],
    ]),
    ...failures,
  ];
}

/** Nothing was dialled, or it was what policy was asked about and what the standard says: `hostname`, or null where its parser fails. */
function agrees({ judged, dialled, header }: Seen, hostname: string | null | undefined, alternative?: string): boolean {
  if (dialled === undefined) return true;
  if (judged === undefined || dialled !== judged) return false;
  if (header !== undefined && new URL(`http://${header}`).hostname.replace(/^\[|\]$/g, "") !== judged) return false;
  if (hostname === null) return judged === alternative;
  const wanted = [hostname, alternative].map((each) => each?.replace(/^\[|\]$/g, "").replace(/\.$/, ""));
  return hostname === undefined || wanted.includes(judged);
}
