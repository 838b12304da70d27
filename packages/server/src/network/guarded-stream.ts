import { Readable } from "node:stream";
import { CallError } from "@portcullis/contracts";
import { createFindAddresses } from "./find-addresses.ts";
import { createLine, type Line } from "./line.ts";
import { parseUrl } from "./parse-url.ts";
import { dialDirectly } from "./pinned-connector.ts";
import { toPrivateHosts } from "./private-hosts.ts";
import { type Hop, refuse, refuseSize, toRefusal } from "./refusal.ts";

export interface StreamLimits {
  /** The most bytes of one answer. */
  readonly bodyBytes: number;
  /** For the whole answer, and for each pause in it (ms). */
  readonly totalMs: number;
  readonly quietMs: number;
}

export interface StreamedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface StreamedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Has to be read or cancelled: until then the connection is open, though never longer than the limits say. */
  readonly body: ReadableStream<Uint8Array>;
}

export type GuardedStream = (request: StreamedRequest) => Promise<StreamedAnswer>;

/**
 * Like the guarded fetch, for an answer that is read as it comes: one request to a host that the owner's configuration names, addresses judged, no redirect
 * followed, nothing unpacked, and an end to what is too long, too slow or silent.
 */
export function createGuardedStream(privateHosts: readonly string[], limits: StreamLimits): GuardedStream {
  const isListed = toPrivateHosts(privateHosts);
  const find = createFindAddresses();
  return async ({ url, method, headers, body, signal: outer }) => {
    const parsed = parseUrl(url);
    if ("fault" in parsed) throw new CallError("VALIDATION_ERROR", parsed.fault.message);
    const hop: Hop = { url: parsed.url, number: 0 };
    const ending = new AbortController();
    const late = (what: string): void =>
      ending.abort(refuse("TIMEOUT", `${hop.url.host} ${what}.`, { hop, reason: "timeout", next: "Try again later." }));
    const total = setTimeout(() => late(`was not done within ${limits.totalMs} ms`), limits.totalMs);
    const quiet = setTimeout(() => late(`sent nothing for ${limits.quietMs} ms`), limits.quietMs);
    const signal = outer ? AbortSignal.any([outer, ending.signal]) : ending.signal;
    let line: Line | undefined;
    let unwatch = (): void => {};
    const end = async (): Promise<void> => {
      clearTimeout(total);
      clearTimeout(quiet);
      unwatch();
      await line?.client.destroy();
    };
    const toFault = (error: unknown): unknown => (signal.aborted ? signal.reason : toRefusal(error, hop));
    try {
      const found = await find({ hop, reach: "private", listed: isListed(hop.url) }, signal);
      const wireBytes = 4 * limits.bodyBytes + 65_536;
      const pin = { ...found, hop, signal, wireBytes, connectMs: 5_000, dial: dialDirectly };
      line = createLine(pin, { headerBytes: 16_384, patient: true });
      unwatch = line.watch(pin);
      const { pathname, search } = hop.url;
      const asked = { path: pathname + search, method: method as "POST", headers, body: body ?? null };
      const answer = await line.client.request({ ...asked, signal, reset: true });
      const told = answer.headers["content-encoding"];
      if (told !== undefined && told !== "identity")
        throw refuse("UPSTREAM", `${hop.url.host} packs its answer, which was not asked for.`, {
          ...{ hop, reason: "encoding", next: "Use another endpoint." },
        });
      const pieces = async function* (): AsyncGenerator<Buffer> {
        let seen = 0;
        try {
          for await (const piece of answer.body as AsyncIterable<Buffer>) {
            quiet.refresh();
            seen += piece.length;
            if (seen > limits.bodyBytes) throw refuseSize(hop, limits.bodyBytes);
            yield piece;
          }
        } catch (error) {
          throw toFault(error);
        } finally {
          await end();
        }
      };
      const type = answer.headers["content-type"];
      return {
        status: answer.statusCode,
        headers: typeof type === "string" ? { "content-type": type } : {},
        body: Readable.toWeb(Readable.from(pieces(), { objectMode: false })) as ReadableStream<Uint8Array>,
      };
    } catch (error) {
      await end();
      throw toFault(error);
    }
  };
}
