import type { ReadModel } from "../config/read-sources.ts";
import { createGuardedStream } from "../network/guarded-stream.ts";
import { toPort } from "../network/parse-url.ts";
import { bounded, type ChatModel, type ModelPiece } from "./chat-model.ts";
import { jsonLinesOnly } from "./json-lines.ts";
import { createModelFetch, toModelFault } from "./model-fetch.ts";
import { talkToOllama } from "./ollama-model.ts";
import { talkToOpenAi } from "./openai-model.ts";

const longestAnswer = 8_388_608;
const defaults = { maxTokens: 4_096, callMs: 300_000, quietMs: 120_000 } as const;

/** What is known of where a model runs. */
export interface ModelPlace {
  readonly egress?: boolean | undefined;
  readonly clearance?: readonly string[] | undefined;
}

/** One of the owner's models, to talk with. */
export function openChatModel(model: ReadModel, { egress, clearance }: ModelPlace): ChatModel {
  const { name, kind, url, key, maxTokens = defaults.maxTokens, callMs = defaults.callMs } = model;
  const parsed = new URL(url);
  const stream = createGuardedStream([`${parsed.hostname}:${toPort(parsed)}`], {
    bodyBytes: longestAnswer,
    totalMs: callMs,
    quietMs: Math.min(callMs, defaults.quietMs),
  });
  const base = parsed.href.replace(/\/+$/, "");
  const talk = kind === "ollama" ? talkToOllama : talkToOpenAi;
  async function* answer(...[messages, tools, signal]: Parameters<ChatModel["answer"]>): AsyncGenerator<ModelPiece> {
    const fetch = createModelFetch({
      ...{ base, stream, signal },
      ...(kind === "ollama" && { filter: jsonLinesOnly }),
      ...(key !== undefined && { key }),
    });
    try {
      yield* bounded(talk({ base, fetch, model: model.model, maxTokens, messages, tools, signal }));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toModelFault(error, name);
    }
  }
  return { name, host: egress ? parsed.host : undefined, clearance: clearance ?? [], answer };
}
