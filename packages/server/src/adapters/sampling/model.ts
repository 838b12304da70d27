import { CallError, type Completion, type SamplingArguments } from "@portcullis/contracts";
import { type Endpoint, toFetch } from "../../vectors/endpoint-fetch.ts";

/** How one completion is asked for, within the owner's bounds. */
export interface Asked extends Omit<SamplingArguments, "model" | "maxTokens"> {
  readonly maxTokens: number;
}

export type Completing = Omit<Completion, "model">;

/** Asks a model once. What it answers with is the library's word and is read again here. */
export type Complete = (asked: Asked, signal: AbortSignal) => Promise<Completing>;

const toMessages = ({ systemPrompt, messages }: Asked) => [
  ...(systemPrompt === undefined ? [] : [{ role: "system" as const, content: systemPrompt }]),
  ...messages.map(({ role, content }) => ({ role, content: content.text })),
];

/** Ollama's `/api/chat`. */
export function completeByOllama(endpoint: Endpoint, model: string): Complete {
  return async (asked, signal) => {
    const { Ollama } = await import("ollama");
    const ollama = new Ollama({ host: endpoint.url, fetch: toFetch(endpoint, { signal, toError: fromStatus }) });
    const { maxTokens, temperature, stopSequences } = asked;
    const answer = await ollama.chat({
      model,
      messages: toMessages(asked),
      stream: false,
      options: {
        num_predict: maxTokens,
        ...(temperature !== undefined && { temperature }),
        ...(stopSequences !== undefined && { stop: stopSequences }),
      },
    });
    return read({
      text: answer.message?.content,
      reason: answer.done_reason,
      tokens: [answer.prompt_eval_count, answer.eval_count],
    });
  };
}

/** `/chat/completions` of an endpoint that speaks OpenAI's API. */
export function completeByOpenAi(endpoint: Endpoint, model: string): Complete {
  return async (asked, signal) => {
    const { OpenAI } = await import("openai");
    const openai = new OpenAI({
      // The key that is sent is the endpoint's, if it has one.
      apiKey: "none",
      ...{ adminAPIKey: null, organization: null, project: null, webhookSecret: null },
      baseURL: endpoint.url,
      fetch: toFetch(endpoint, { signal, toError: fromStatus }),
      ...{ maxRetries: 0, timeout: 600_000, logLevel: "off" as const },
    });
    const { maxTokens, temperature, stopSequences } = asked;
    const answer = await openai.chat.completions.create(
      {
        model,
        messages: toMessages(asked),
        // What OpenAI calls so now is `max_tokens` with everyone else.
        ...(isOpenAi(endpoint.url) ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
        ...(temperature !== undefined && { temperature }),
        ...(stopSequences !== undefined && { stop: [...stopSequences] }),
      },
      { signal },
    );
    const [choice] = answer.choices ?? [];
    return read({
      text: choice?.message?.content,
      reason: choice?.finish_reason,
      tokens: [answer.usage?.prompt_tokens, answer.usage?.completion_tokens],
    });
  };
}

const isOpenAi = (url: string): boolean => /(^|\.)openai\.(com|azure\.com)$/.test(new URL(url).hostname);

interface Said {
  readonly text: unknown;
  readonly reason: unknown;
  readonly tokens: readonly [unknown, unknown];
}

const reasons: Readonly<Record<string, Completion["stopReason"]>> = { stop: "endTurn", length: "maxTokens" };

function read({ text, reason, tokens: [before, after] }: Said): Completing {
  if (typeof text !== "string") throw new CallError("UPSTREAM", "The model answered with something that is no text.");
  const count = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  const usage = { ...(count(before) && { inputTokens: before }), ...(count(after) && { outputTokens: after }) };
  return {
    role: "assistant",
    content: { type: "text", text },
    stopReason: (typeof reason === "string" && Object.hasOwn(reasons, reason) ? reasons[reason] : undefined) ?? "other",
    ...(Object.keys(usage).length > 0 && { usage }),
  };
}

/** A status that is none of success; nothing of the answer's text is repeated, which may hold the prompt. */
function fromStatus(status: number, headers: Readonly<Record<string, string>>): CallError {
  const wait = headers["retry-after"];
  const next =
    status === 429 || status >= 500
      ? "Try again later."
      : "Ask for less, or tell the owner: the model's address, key or name may be wrong.";
  return new CallError("UPSTREAM", `The model's host answered with the status ${status}.`, {
    details: { reason: "status", status, ...(wait !== undefined && { retryAfter: wait.slice(0, 64) }), next },
  });
}
