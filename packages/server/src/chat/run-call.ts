import { type CallOptions, RefusedRequest } from "@portcullis/client";
import type { ConsentStatus, Failure, Flow, Outcome } from "@portcullis/contracts";
import type { ChatServer } from "./chat.ts";
import type { Asked, ChatEvent } from "./chat-events.ts";
import type { AskedCall, ChatModel } from "./chat-model.ts";
import type { Citations } from "./citations.ts";
import { type Offer, readArguments } from "./offer-tools.ts";
import { answerText, refusalText } from "./tell-model.ts";

interface Calling {
  readonly server: ChatServer;
  readonly model: ChatModel;
  readonly citations: Citations;
  readonly offer: Offer;
  /** The audit id of the question. */
  readonly prompt: string;
  readonly agent: string;
  readonly fallbackPurpose: string;
  readonly consentMs: number;
  readonly callMs: number;
}

/** Runs a call that the model asked for, tells what happens, and answers with what the model is told of it. */
export type RunCall = (asked: AskedCall, call: number, signal: AbortSignal) => AsyncGenerator<ChatEvent, string>;

/** How long the server's word on a withdrawn or late call is waited for (ms). */
const graceMs = 2_000;
const longestWait = 25_000;

/** Makes the calls of one question: they share a turn and a line of work, and hang on the question in the audit. */
export function createCaller(calling: Calling): RunCall {
  const { server, model, citations, offer } = calling;
  let turn: string | undefined;
  let seen: Pick<Flow, "private" | "untrusted"> = { private: [], untrusted: [] };

  async function send(tool: string, args: Readonly<Record<string, unknown>>, trace: CallOptions): Promise<Outcome> {
    const late = AbortSignal.timeout(calling.callMs);
    const outer = trace.signal as AbortSignal;
    const signal = AbortSignal.any([outer, late]);
    const sent = server.call(tool, args, { ...trace, signal, ...(turn !== undefined && { turn }) });
    try {
      const outcome = await Promise.race([sent, afterwards(signal)]);
      if (outcome === undefined)
        return { ...failure("TIMEOUT", "The server did not say how the call ended."), ok: false };
      if (outcome.turn) turn = outcome.turn.handle;
      // A withdrawn call is the server's to end, and it was ours that came too late.
      return !outcome.ok && outcome.code === "CANCELLED" && late.aborted && !outer.aborted
        ? { ...outcome, code: "TIMEOUT", message: `The call was not done within ${calling.callMs} ms.` }
        : outcome;
    } catch (error) {
      if (error instanceof RefusedRequest)
        return { ok: false, code: error.code, message: error.message, auditId: error.auditId };
      throw error;
    } finally {
      sent.catch(() => {});
    }
  }

  function* tell(call: number, tool: string, outcome: Outcome): Generator<ChatEvent, string> {
    const numbered = outcome.ok ? citations.add(outcome.citations ?? [], outcome.result) : [];
    yield {
      ...{ type: "verdict", call, tool, ok: outcome.ok, auditId: outcome.auditId, citations: numbered },
      ...(outcome.ok
        ? { why: outcome.why ?? [], untrusted: outcome.untrusted ?? [] }
        : { code: outcome.code, message: outcome.message, why: [], untrusted: [] }),
    };
    const { flow } = outcome;
    if (flow && flow.private.length + flow.untrusted.length > seen.private.length + seen.untrusted.length) {
      seen = { private: flow.private, untrusted: flow.untrusted };
      yield { type: "flow", ...seen };
    }
    if (!outcome.ok) return refusalText(outcome);
    const closed = notCleared(model, seen.private);
    if (closed.length === 0 || model.host === undefined) return answerText(outcome, numbered);
    const next = `List ${closed.join(", ")} under clearance of the model ${model.name} in the configuration, or choose a model on this machine.`;
    yield { type: "withheld", call, host: model.host, private: closed, next };
    return `FLOW_BLOCKED: The answer holds private data that may not leave for ${model.host}, so you are not given it. Tell the person. Next: ${next}`;
  }

  return async function* run(asked, call, signal) {
    const read = readArguments(asked);
    const tool = offer.nameOf(asked.name);
    const purpose = read?.purpose ?? calling.fallbackPurpose;
    yield { type: "call", call, tool: tool ?? asked.name.slice(0, 128), args: read?.args ?? {}, purpose };
    const wrong = !read
      ? failure("VALIDATION_ERROR", "The arguments are no JSON object.")
      : tool === undefined
        ? failure("NOT_FOUND", `No tool ${JSON.stringify(asked.name.slice(0, 128))} is offered to you.`)
        : undefined;
    if (wrong || !read || tool === undefined)
      return yield* tell(call, tool ?? asked.name.slice(0, 128), wrong as Failure);
    const trace = { agent: calling.agent, purpose, parent: calling.prompt, signal };
    const outcome = await send(tool, read.args, trace);
    signal.throwIfAborted();
    const request = requestOf(outcome);
    if (!request) return yield* tell(call, tool, outcome);
    const waits = request.state === "open" && calling.consentMs > 0;
    // The refusal stands until the owner says otherwise.
    const refused = yield* tell(call, tool, outcome);
    if (request.state !== "open") return refused;
    yield toAsked(request, call, waits);
    if (!waits) return refused;
    const state = await decided(server, request, calling.consentMs, signal);
    yield { type: "decided", call, request: request.id, state };
    if (state !== "allowed") return refusalText({ ...(outcome as Failure), details: { consent: { state: "denied" } } });
    const again = await send(tool, read.args, { ...trace, consent: request.id });
    signal.throwIfAborted();
    return yield* tell(call, tool, again);
  };
}

const failure = (code: Failure["code"], message: string): Failure => ({ ok: false, code, message, auditId: "" });

/** Compartments that a model's host may not be told of; none for a model on this machine. */
function notCleared({ host, clearance }: ChatModel, seen: readonly string[]): readonly string[] {
  if (host === undefined || clearance.includes("*")) return [];
  return seen.filter((label) => !clearance.includes(label));
}

interface OpenRequest {
  readonly id: string;
  readonly state: string;
  readonly expiresAt: string;
  readonly page?: unknown;
}

function requestOf(outcome: Outcome): OpenRequest | undefined {
  if (outcome.ok) return undefined;
  const { consent } = (outcome.details ?? {}) as { readonly consent?: Partial<OpenRequest> };
  const { id, state, expiresAt } = consent ?? {};
  return typeof id === "string" && typeof state === "string" && typeof expiresAt === "string"
    ? { id, state, expiresAt, page: consent?.page }
    : undefined;
}

const toAsked = ({ id, expiresAt, page }: OpenRequest, call: number, waits: boolean): Asked => ({
  ...{ type: "consent", call, request: id, expiresAt, waits },
  ...(typeof page === "string" && { page }),
});

/** Waits for the owner's word, wherever they give it. No word in time is a no. */
async function decided(
  server: ChatServer,
  { id }: OpenRequest,
  withinMs: number,
  signal: AbortSignal,
): Promise<string> {
  const until = performance.now() + withinMs;
  for (;;) {
    const left = Math.floor(until - performance.now());
    if (left <= 0) return "unanswered";
    const waitMs = Math.min(left, longestWait);
    const { state } = (await withdrawable(
      server.request("consent.status", { id, waitMs }, signal),
      signal,
    )) as ConsentStatus;
    if (state !== "open") return state;
  }
}

/** Leaves what waits for an answer as soon as nobody wants it any more. */
async function withdrawable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Resolves some time after a call was withdrawn, for a server that does not say how it ended. */
function afterwards(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const later = (): void => void setTimeout(() => resolve(undefined), graceMs).unref();
    if (signal.aborted) later();
    else signal.addEventListener("abort", later, { once: true });
  });
}
