import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, answer, refuse, type StoredWorld } from "./store-api.ts";

/** A request as it came over the wire. */
export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to do with a request instead of answering it well. */
export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly code?: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: "hang" }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "truncated" }
  | { readonly kind: "reset" }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "body"; readonly body: string; readonly type?: string };

export interface OpenAiStoreServer {
  /** The API's address, with its `/v1`. */
  readonly baseUrl: string;
  readonly seen: Seen[];
  /** Asked before each answer. */
  fault: ((request: Seen) => Fault | undefined) | undefined;
  close(): Promise<void>;
}

/** A server on loopback that speaks the vector stores part of OpenAI's API, as its reference and its client library describe it. */
export async function startOpenAiStoreServer(world: StoredWorld): Promise<OpenAiStoreServer> {
  const seen: Seen[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const { method = "", url: path = "", headers } = request;
      const asked: Seen = { method, path, headers, body };
      seen.push(asked);
      const fault = double.fault?.(asked);
      if (fault?.kind !== "slow") return fault ? misbehave(response, fault) : send(response, answer(world, asked));
      const timer = setTimeout(() => {
        timers.delete(timer);
        send(response, answer(world, asked));
      }, fault.ms);
      timers.add(timer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const double: OpenAiStoreServer = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    seen,
    fault: undefined,
    close: () => close(server, timers),
  };
  return double;
}

async function close(server: Server, timers: ReadonlySet<NodeJS.Timeout>): Promise<void> {
  for (const timer of timers) clearTimeout(timer);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, { status, body }: Answer, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "x-request-id": "req_0123456789abcdef",
    ...headers,
  });
  response.end(JSON.stringify(body));
}

function misbehave(response: ServerResponse, fault: Exclude<Fault, { kind: "slow" }>): void {
  switch (fault.kind) {
    case "status":
      send(response, refuse(fault.status, fault.code ?? null), fault.headers);
      return;
    case "hang":
      return;
    case "truncated":
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"object":"vector_store.search_results.page","data":[{"file_id":"file-');
      setImmediate(() => response.destroy());
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "redirect":
      response.writeHead(307, { location: fault.location });
      response.end();
      return;
    case "body":
      response.writeHead(200, { "content-type": fault.type ?? "application/json" });
      response.end(fault.body);
  }
}
