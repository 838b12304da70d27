import type { Readable } from "node:stream";
import { isBinary, isText, toContentType } from "./content-type.ts";
import type { Line } from "./line.ts";
import type { Pin } from "./pinned-connector.ts";
import { readBody } from "./read-body.ts";
import { refuse, refuseSize } from "./refusal.ts";

export interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Caps {
  readonly maxBytes: number;
  readonly headerBytes: number;
}

/** What one hop answered. `location` is set when the answer is a redirect; its body is then not read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly location?: string;
  /** True when there was a body of a kind that is not read. */
  readonly withheld: boolean;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const interimAnswers = 32;

/** How a connection is used: once, or kept by `keep` where its answer was read to the end. */
export interface Way {
  readonly line: Line;
  readonly pin: Pin;
  keep?(line: Line): void;
}

/** Sends one request over one connection, which is closed when the answer has been read or refused, unless it may be kept. */
export async function exchange(request: Request, { line, pin, keep }: Way, caps: Caps): Promise<Answer> {
  const { hop } = pin;
  const unwatch = line.watch(pin);
  const stop = new AbortController();
  let interim = 0;
  let whole = false;
  try {
    const answer = await line.client.request({
      path: hop.url.pathname + hop.url.search,
      method: request.method as "GET",
      headers: request.headers,
      body: request.body ?? null,
      signal: AbortSignal.any([pin.signal, stop.signal]),
      reset: keep === undefined,
      onInfo: () => {
        if (++interim <= interimAnswers) return;
        stop.abort(
          refuse("UPSTREAM", `${hop.url.host} keeps promising an answer.`, {
            hop,
            reason: "answer",
            next: "Use another source.",
          }),
        );
      },
    });
    const headers = toHeaders(answer.headers);
    const status = answer.statusCode;
    if (redirects.has(status) && headers.location !== undefined) {
      return { status, headers, body: new Uint8Array(), location: headers.location, withheld: false };
    }
    const taken = await take(answer.body, { request, pin, caps, status, headers });
    whole = answer.body.readableEnded && !/close/i.test(headers.connection ?? "");
    return { status, headers, ...taken };
  } finally {
    unwatch();
    if (whole && keep) keep(line);
    else await line.client.destroy();
  }
}

interface Arrived {
  readonly request: Request;
  readonly pin: Pin;
  readonly caps: Caps;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

async function take(source: Readable, arrived: Arrived): Promise<Pick<Answer, "body" | "withheld">> {
  const { pin, caps, status, headers } = arrived;
  const { hop, signal } = pin;
  if (arrived.request.method === "HEAD" || status === 204 || status === 304) {
    return { body: new Uint8Array(), withheld: false };
  }
  const type = toContentType(headers["content-type"]);
  if (type && !isText(type.essence)) return withhold(arrived, type.essence);
  const plain = headers["content-encoding"] === undefined;
  if (plain && Number(headers["content-length"]) > caps.maxBytes) throw refuseSize(hop, caps.maxBytes);
  const body = await readBody(source, { hop, encoding: headers["content-encoding"], maxBytes: caps.maxBytes, signal });
  return type === undefined && isBinary(body) ? withhold(arrived, "unnamed binary data") : { body, withheld: false };
}

// An error page that cannot be read is still an answer: its status says what there is to know.
function withhold({ pin, status }: Arrived, kind: string): Pick<Answer, "body" | "withheld"> {
  if (status >= 400) return { body: new Uint8Array(), withheld: true };
  throw refuse("UPSTREAM", `${pin.hop.url.host} answered with ${kind}, which is not text.`, {
    hop: pin.hop,
    reason: "content_type",
    contentType: kind,
    next: "Only text, JSON, XML and the like are read. Look for a text form of it; HEAD tells its headers.",
  });
}

function toHeaders(raw: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(raw)) {
    if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}
