import { hash } from "node:crypto";
import { cut, toBatches } from "./batches.ts";
import { EmbedFault, toEmbedFault } from "./embed-fault.ts";
import type { Embedder, SendTexts, Use } from "./embedder.ts";
import { openWayTo } from "./endpoint-fetch.ts";
import { normalise } from "./normalise.ts";
import { createOllamaSender } from "./ollama.ts";
import { createOpenAiSender } from "./openai.ts";
import { type Prefixes, prefixesOf } from "./prefixes.ts";

export interface EmbedderOptions {
  readonly kind: "ollama" | "openai";
  /** `http://127.0.0.1:11434` of Ollama; `https://api.openai.com/v1`, with its version, of the other. */
  readonly url: string;
  readonly model: string;
  readonly key?: string;
  /** Asked of models that can give fewer than they have. */
  readonly dimensions?: number;
  /** What is written before questions and texts; the model's own by default. */
  readonly prefixes?: Prefixes;
  /** The characters of one text that are embedded, and the limits of one request. */
  readonly textCharacters?: number;
  readonly batchTexts?: number;
  readonly batchCharacters?: number;
  /** What is done to every question and text before it leaves this machine: masking of secrets. */
  readonly mask?: (text: string) => string;
  /** Milliseconds for one request. */
  readonly requestMs?: number;
}

const longestAnswer = 16 * 1024 * 1024;
/** How often a text that is refused by itself is halved. */
const halvings = 4;

/** An embedder over HTTP. It does nothing before it is asked. Throws an `Error` for settings that cannot be used. */
export function createEmbedder(options: EmbedderOptions): Embedder {
  const { kind, model, key, requestMs = 30_000 } = options;
  const url = readUrl(options.url);
  const fetch = openWayTo(url, { totalMs: requestMs + 1_000, bodyBytes: longestAnswer });
  const createSender = kind === "ollama" ? createOllamaSender : createOpenAiSender;
  const send = createSender({ url, fetch, ...(key !== undefined && { key }) }, model, options.dimensions);
  return boundEmbedder(send, { ...options, requestMs });
}

/** Puts limits around what sends texts, and makes sure of what comes back. */
export function boundEmbedder(
  send: SendTexts,
  options: Pick<EmbedderOptions, "kind" | "model" | "dimensions" | "prefixes"> & Partial<EmbedderOptions>,
): Embedder {
  const { model, textCharacters = 8_000, batchTexts = 32, batchCharacters = 32_000, requestMs = 30_000 } = options;
  const { mask = (text: string) => text } = options;
  const prefixes = options.prefixes ?? prefixesOf(model);
  let known = options.dimensions;

  const request = async (texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> => {
    const late = AbortSignal.timeout(requestMs);
    try {
      const answer: unknown = await send(texts, AbortSignal.any([signal, late]));
      return read(answer, texts.length);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (late.aborted) throw new EmbedFault("timeout", { detail: `${requestMs} ms`, cause: error });
      throw toEmbedFault(error);
    }
  };

  const read = (answer: unknown, wanted: number): readonly Float32Array[] => {
    if (!Array.isArray(answer) || answer.length !== wanted) throw new EmbedFault("answer", { detail: "wrong count" });
    const vectors = answer.map(normalise);
    const dimensions = known ?? vectors[0]?.length ?? 0;
    for (const { length } of vectors)
      if (length !== dimensions) throw new EmbedFault("answer", { detail: `${length} dimensions, not ${dimensions}` });
    known = dimensions;
    return vectors;
  };

  /** A text alone that is refused may be too long for the model in a way that only the model can tell. */
  const sendBatch = async (texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> => {
    for (let halved = 0, now = texts; ; halved++) {
      try {
        return await request(now, signal);
      } catch (error) {
        const [text = ""] = now;
        const again = error instanceof EmbedFault && error.reason === "input" && now.length === 1 && text.length > 256;
        if (!again || halved === halvings) throw error;
        now = [cut(text, Math.ceil(text.length / 2))];
      }
    }
  };

  const embed = async (texts: readonly string[], use: Use, signal: AbortSignal): Promise<readonly Float32Array[]> => {
    const prefix = prefixes[use];
    const ready = texts.map((text) => prefix + cut(mask(text.toWellFormed()), textCharacters));
    if (texts.some((text) => text.trim() === "")) throw new EmbedFault("input", { detail: "an empty text" });
    const vectors: Float32Array[] = [];
    for (const batch of toBatches(ready, { texts: batchTexts, characters: batchCharacters })) {
      signal.throwIfAborted();
      vectors.push(...(await sendBatch(batch, signal)));
    }
    return vectors;
  };

  const dimensions = async (signal: AbortSignal): Promise<number> => {
    if (known === undefined) await embed(["dimensions"], "document", signal);
    return known ?? 0;
  };

  return {
    model,
    embed,
    dimensions,
    async collection(signal) {
      const name = model
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-|-$/g, "")
        .slice(0, 64);
      const way = JSON.stringify([options.kind, model, prefixes, textCharacters]);
      return `${name || "model"}-${await dimensions(signal)}-${hash("sha256", way).slice(0, 8)}`;
    },
  };
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new Error("The embedding endpoint's URL is no http or https URL without user, query and fragment.");
  return url.href.replace(/\/+$/, "");
}
