import { fromStatus } from "./embed-fault.ts";
import type { SendTexts } from "./embedder.ts";
import { type Endpoint, toFetch } from "./endpoint-fetch.ts";

/** Ollama's `/api/embed`; texts that the model cannot take whole are cut there. Its URL is the server's, such as `http://127.0.0.1:11434`. */
export function createOllamaSender(endpoint: Endpoint, model: string, dimensions?: number): SendTexts {
  return async (texts, signal) => {
    const { Ollama } = await import("ollama");
    // One for each request: the library takes no signal for this call.
    const ollama = new Ollama({ host: endpoint.url, fetch: toFetch(endpoint, { signal, toError: fromStatus }) });
    const { embeddings } = await ollama.embed({
      model,
      input: [...texts],
      truncate: true,
      ...(dimensions !== undefined && { dimensions }),
    });
    return embeddings;
  };
}
