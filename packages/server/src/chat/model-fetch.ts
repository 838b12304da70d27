import { CallError } from "@portcullis/contracts";
import type { GuardedStream } from "../network/guarded-stream.ts";
import { type ChatMessage, ModelFault, type OfferedTool } from "./chat-model.ts";

/** How a client library is to ask a model once. */
export interface Talk {
  /** The base URL, without a slash at the end. */
  readonly base: string;
  readonly fetch: typeof globalThis.fetch;
  readonly model: string;
  readonly maxTokens: number;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly OfferedTool[];
  readonly signal: AbortSignal;
}

interface Way {
  readonly base: string;
  readonly key?: string;
  readonly stream: GuardedStream;
  /** What of a body the library may see. */
  readonly filter?: (body: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
}

const sentHeaders = ["accept", "content-type"];

/**
 * A client library's `fetch` over the guarded stream. Headers are written out here, since libraries add facts about this machine and keys from its environment;
 * nothing but the model's own address is asked, and no redirect is followed: key and conversation are meant for one host.
 */
export function createModelFetch({ base, key, stream, signal, filter = (body) => body }: Way): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input).href;
    if (!url.startsWith(`${base}/`)) throw new ModelFault("That is not of the model's host.", "Report this.");
    const given = new Headers(init?.headers);
    const headers: Record<string, string> = {};
    for (const name of sentHeaders) {
      const value = given.get(name);
      if (value !== null) headers[name] = value;
    }
    if (key !== undefined) headers.authorization = `Bearer ${key}`;
    if (init?.body !== undefined && init.body !== null && typeof init.body !== "string")
      throw new ModelFault("Only text is sent to a model.", "Report this.");
    const answer = await stream({
      ...{ url, method: init?.method ?? "GET", headers },
      ...(typeof init?.body === "string" && { body: init.body }),
      signal: init?.signal ? AbortSignal.any([signal, init.signal]) : signal,
    });
    if (answer.status !== 200) {
      await answer.body.cancel();
      throw fromStatus(answer.status);
    }
    return new Response(filter(answer.body), { status: 200, headers: answer.headers });
  };
}

/** A status that is none of success; nothing of the answer's text is repeated, which may hold what it was asked. */
function fromStatus(status: number): ModelFault {
  const next =
    status === 401 || status === 403
      ? "Its key is missing or wrong: see models in the configuration."
      : status === 404
        ? "It has no model of that name, or its url is wrong (Ollama: `ollama pull` it; others: the url ends in /v1)."
        : status === 400
          ? "It may not take tools, or the conversation is too long for it: try --tools search,fetch, /new or another model."
          : "Try again later.";
  return new ModelFault(`The model's host answered with the status ${status}.`, next);
}

/** Finds the fault that a client library has wrapped. */
export function toModelFault(error: unknown, name: string): ModelFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ModelFault) return cause;
    if (cause instanceof CallError)
      return new ModelFault(
        `The model ${name} cannot be asked: ${cause.message}`,
        cause.code === "TIMEOUT"
          ? "Try again, or give it more time (callMs of the model)."
          : "Is it running? See models in the configuration.",
        cause,
      );
  }
  return new ModelFault(
    `The model ${name} answered with what is no answer of its kind.`,
    "The model's kind or url in the configuration may be wrong.",
    error,
  );
}
