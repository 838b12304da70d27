import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A model behind Ollama's and OpenAI's chat endpoints that says back the last thing that it was told. */
export interface CompletingModel {
  readonly url: string;
  /** The bodies that it was asked with. */
  readonly asked: readonly Readonly<Record<string, unknown>>[];
  readonly keys: readonly (string | undefined)[];
  /** Fails the next request with this status. */
  fail(status: number): void;
  close(): Promise<void>;
}

export async function createCompletingModel(): Promise<CompletingModel> {
  const asked: Record<string, unknown>[] = [];
  const keys: (string | undefined)[] = [];
  let failing: number | undefined;
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text || "{}") as Record<string, unknown>;
    asked.push(body);
    keys.push(request.headers.authorization);
    const status = failing ?? 200;
    failing = undefined;
    const send = (value: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (status !== 200) return send({ error: `I was told: ${text}` });
    const messages = body.messages as readonly { readonly content: string }[];
    const content = `You said: ${messages.at(-1)?.content}`;
    if (request.url === "/api/chat")
      return send({
        message: { role: "assistant", content },
        done: true,
        done_reason: "stop",
        prompt_eval_count: 7,
        eval_count: 3,
      });
    if (request.url === "/v1/chat/completions")
      return send({
        choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "length" }],
        usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      });
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    keys,
    fail(status) {
      failing = status;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
