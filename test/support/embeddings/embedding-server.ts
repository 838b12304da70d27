import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { hashWords } from "./hashed-words.ts";

/** What goes wrong with one request. */
export type Fault =
  | { readonly kind: "slow"; readonly ms: number }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: "dimensions"; readonly dimensions: number }
  | { readonly kind: "vectors"; readonly change: (vectors: number[][]) => unknown[] }
  | { readonly kind: "truncated" }
  | { readonly kind: "reset" };

export interface Asked {
  readonly path: string;
  readonly model: string;
  readonly texts: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface EmbeddingServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Every request so far, faulty ones too. */
  readonly asked: readonly Asked[];
  /** The most requests that ran at once. */
  readonly atOnce: number;
  /** What happens to the next requests, one each. */
  fail(...faults: readonly Fault[]): void;
  /** What happens to each request from now on, as long as none stands in line; undefined for nothing. */
  failAlways(judge: ((asked: Asked) => Fault | undefined) | undefined): void;
  stop(): Promise<void>;
}

export interface EmbeddingServerOptions {
  readonly dimensions?: number;
  /** Sends plain numbers even to who asks for base64, as many servers do. */
  readonly plain?: boolean;
}

/** A server on the loopback that speaks Ollama's `/api/embed` and OpenAI's `/v1/embeddings`, with vectors of hashed words. */
export async function startEmbeddingServer(options: EmbeddingServerOptions = {}): Promise<EmbeddingServer> {
  const { dimensions = 96, plain = false } = options;
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  let judge: ((asked: Asked) => Fault | undefined) | undefined;
  let running = 0;
  let atOnce = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await read(request);
    asked.push(one);
    const fault = faults.shift() ?? judge?.(one);
    if (fault?.kind === "reset") return void request.socket.resetAndDestroy();
    if (fault?.kind === "slow") await delay(fault.ms);
    if (fault?.kind === "status") {
      response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      return void response.end(fault.body ?? JSON.stringify({ error: "no" }));
    }
    const wanted = fault?.kind === "dimensions" ? fault.dimensions : Number(one.body.dimensions ?? dimensions);
    const right = one.texts.map((text) => hashWords(text, wanted));
    const vectors = fault?.kind === "vectors" ? fault.change(right) : right;
    const text = JSON.stringify(toBody(one, vectors, plain));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(fault?.kind === "truncated" ? text.slice(0, text.length / 2) : text);
  };

  const server = createServer((request, response) => {
    atOnce = Math.max(atOnce, ++running);
    response.once("close", () => running--);
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get atOnce() {
      return atOnce;
    },
    fail: (...more) => void faults.push(...more),
    failAlways(how) {
      judge = how;
    },
    stop,
  };
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
  const input = (Array.isArray(body.input) ? body.input : [body.input]) as string[];
  return { path: request.url ?? "", model: String(body.model), texts: input, headers: request.headers, body };
}

function toBody({ path, model, body }: Asked, vectors: unknown[], plain: boolean): unknown {
  if (path === "/api/embed")
    return { model, embeddings: vectors, total_duration: 1, load_duration: 1, prompt_eval_count: 1 };
  if (path !== "/v1/embeddings") return { error: "not found" };
  const encode = (vector: unknown): unknown =>
    body.encoding_format === "base64" && !plain
      ? Buffer.from(Float32Array.from(vector as number[]).buffer).toString("base64")
      : vector;
  const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: encode(vector) }));
  return { object: "list", model, data, usage: { prompt_tokens: 1, total_tokens: 1 } };
}
