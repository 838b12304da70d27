import type { OpenAI } from "openai";
import { EmbedFault, fromStatus } from "./embed-fault.ts";
import type { SendTexts } from "./embedder.ts";
import { type Endpoint, toFetch } from "./endpoint-fetch.ts";

/** `/embeddings` of an endpoint that speaks OpenAI's API. Its URL ends with the version, such as `https://api.openai.com/v1`. */
export function createOpenAiSender(endpoint: Endpoint, model: string, dimensions?: number): SendTexts {
  let client: Promise<OpenAI> | undefined;
  return async (texts, signal) => {
    client ??= open(endpoint);
    const openai = await client;
    const { data } = await openai.embeddings.create(
      { model, input: [...texts], ...(dimensions !== undefined && { dimensions }) },
      { signal },
    );
    // They come with their places, and need not come in order.
    const inOrder: unknown[] = new Array(texts.length).fill(undefined);
    for (const { index, embedding } of data) {
      if (!(index in inOrder) || inOrder[index] !== undefined)
        throw new EmbedFault("answer", { detail: "wrong places" });
      inOrder[index] = embedding;
    }
    return inOrder;
  };
}

async function open(endpoint: Endpoint): Promise<OpenAI> {
  const { OpenAI } = await import("openai");
  return new OpenAI({
    // The key that is sent is the endpoint's, if it has one.
    apiKey: "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: endpoint.url,
    fetch: toFetch(endpoint, { toError: fromStatus }),
    // Attempts and deadlines are ours.
    maxRetries: 0,
    timeout: 600_000,
    logLevel: "off",
  });
}
