import { CallError, Completion, type Labels, SamplingArguments } from "@portcullis/contracts";
import { createGate } from "../../network/gate.ts";
import { openWayTo } from "../../vectors/endpoint-fetch.ts";
import type { Adapter, Tool } from "../adapter.ts";
import { type Complete, type Completing, completeByOllama, completeByOpenAi } from "./model.ts";

/** One of the owner's models. */
export interface ModelOptions {
  /** What callers and policies call it: `model://NAME`. */
  readonly name: string;
  readonly kind: "ollama" | "openai";
  /** `http://127.0.0.1:11434` of Ollama; `https://api.openai.com/v1`, with its version, of the other. */
  readonly url: string;
  /** The model's name there. */
  readonly model: string;
  readonly key?: string;
  /** The most tokens of one answer. */
  readonly maxTokens: number;
  readonly concurrent: number;
  readonly callMs: number;
}

const defaultTokens = 1_024;
const longestAnswer = 4_194_304;
const mostWaiting = 32;

/** The owner's models as a source: `sampling.create`, judged as `model://NAME`. */
export function createSamplingAdapter(models: readonly ModelOptions[]): Adapter {
  const ways = new Map(models.map((model) => [model.name, { ...model, ask: open(model) }]));
  const [first] = models;
  const nameOf = ({ model }: SamplingArguments): string => model ?? first?.name ?? "none";
  const create: Tool<SamplingArguments, Completion> = {
    name: "sampling.create",
    title: "Ask a model",
    summary: "Runs a completion on one of the owner's models.",
    safety: "A model that is not on this machine is sent only what may leave to it.",
    method: true,
    // It is chosen by name and costs something, but what it answers changes nothing.
    effect: "send",
    labels: { effect: "none" },
    input: SamplingArguments,
    output: Completion,
    touches: (input) => [{ kind: "url", href: `model://${nameOf(input)}`, method: "GET" }],
    async run(input, { signal }) {
      const way = ways.get(nameOf(input));
      if (!way)
        throw new CallError("NOT_FOUND", `The owner has no model named ${nameOf(input)}.`, {
          details: {
            model: nameOf(input),
            models: [...ways.keys()],
            next: "Leave the model out, or name one of these.",
          },
        });
      const { model: _, maxTokens = defaultTokens, ...asked } = input;
      const answer = await way.ask({ ...asked, maxTokens: Math.min(maxTokens, way.maxTokens) }, signal);
      return { ...answer, model: way.name };
    },
  };
  return { name: "sampling", tools: () => (models.length === 0 ? [] : [create]) };
}

function open({ name, kind, url, model, key, concurrent, callMs }: ModelOptions): Complete {
  const fetch = openWayTo(url, { totalMs: callMs, bodyBytes: longestAnswer });
  const endpoint = { url: new URL(url).href.replace(/\/+$/, ""), fetch, ...(key !== undefined && { key }) };
  const complete = (kind === "ollama" ? completeByOllama : completeByOpenAi)(endpoint, model);
  const gate = createGate(concurrent, mostWaiting, `calls of the model ${name} are waiting`);
  return async (asked, signal): Promise<Completing> => {
    const leave = await gate.enter(signal);
    try {
      return await complete(asked, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toRefusal(error, name);
    } finally {
      leave();
    }
  };
}

/** Finds the refusal that a client library has wrapped; whatever else it made of the answer stays inside. */
function toRefusal(error: unknown, name: string): CallError {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof CallError) return withName(cause, name);
  return new CallError("UPSTREAM", `The model ${name} could not be asked, or answered with what is no completion.`, {
    cause: error,
    details: { model: name, reason: "answer", next: "Tell the owner: the model's address, kind or name may be wrong." },
  });
}

/** Where the owner's model is, is not the caller's to know. */
function withName({ code, message, details, cause }: CallError, name: string): CallError {
  const { reason = "failed", status, retryAfter, next = "Try again later, or tell the owner." } = details ?? {};
  const said = code === "UPSTREAM" && status !== undefined ? message : `The model ${name} could not be asked.`;
  const known = code === "TIMEOUT" || code === "TOO_LARGE" ? code : "UPSTREAM";
  return new CallError(known, said, {
    ...(cause !== undefined && { cause }),
    details: {
      model: name,
      reason,
      ...(status !== undefined && { status }),
      ...(retryAfter !== undefined && { retryAfter }),
      next,
    },
  });
}

/**
 * What is known of a model: one that runs on this machine takes nothing away and says nothing that others have written. Ollama passes models of its own
 * cloud on, so what is at hand is not always here.
 */
export function labelsOfModel(
  model: Pick<ModelOptions, "url" | "model" | "kind">,
  leaves: boolean | undefined,
): Labels {
  const { hostname } = new URL(model.url);
  const near = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  const elsewhere = model.kind === "ollama" && /[-:]cloud$/i.test(model.model);
  return near && !elsewhere && leaves !== true ? {} : { egress: true, untrusted: true };
}
