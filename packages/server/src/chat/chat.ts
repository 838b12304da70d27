import type { Client } from "@portcullis/client";
import type { ChatEvent, NumberedCitation } from "./chat-events.ts";
import type { AskedCall, ChatMessage, ChatModel } from "./chat-model.ts";
import { ModelFault } from "./chat-model.ts";
import { createCitations } from "./citations.ts";
import { offerTools, toPurpose } from "./offer-tools.ts";
import { type OpenedCitation, openCitation } from "./open-citation.ts";
import { createCaller } from "./run-call.ts";
import { instructions } from "./tell-model.ts";

/** What of a connected client the chat needs. */
export type ChatServer = Pick<Client, "call" | "request" | "tools">;

export interface ChatOptions {
  readonly server: ChatServer;
  readonly model: ChatModel;
  /** The tools that the model is offered, such as `search` or `fs.*`; all that the server lists when empty. */
  readonly tools?: readonly string[];
  /** How long an open request to the owner is waited for (ms); 0 tells the model at once that it was refused. */
  readonly consentMs?: number;
  readonly limits?: Partial<ChatLimits>;
}

export interface ChatLimits {
  /** How often the model is asked for one question, and how many calls it may make for it. */
  readonly rounds: number;
  readonly calls: number;
  readonly callMs: number;
  /** Characters of the conversation that the model is given. */
  readonly characters: number;
}

const defaultLimits: ChatLimits = { rounds: 12, calls: 24, callMs: 60_000, characters: 400_000 };
/** The longest text that the audit takes of a prompt or a completion. */
const longestNote = 16_384;
const agent = "portcullis chat";

export interface Chat {
  /**
   * Asks the model, runs the calls that it asks for, and tells what happens. One question at a time. Ending the iteration, or the signal, withdraws what is
   * under way. The last event is `answer`, `fault` or `stopped`.
   */
  ask(question: string, signal: AbortSignal): AsyncGenerator<ChatEvent>;
  citations(): readonly NumberedCitation[];
  /** Reads a cited span back through the server, and says whether it is still what was cited; undefined for a number that was not given. */
  open(number: number, signal: AbortSignal): Promise<OpenedCitation | undefined>;
  /** Begins anew: the model remembers nothing, the numbers of citations stay. */
  forget(): void;
}

/** A conversation of one model with one server's tools. It knows of no terminal and no page. */
export function createChat(options: ChatOptions): Chat {
  const { server, model } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const citations = createCitations();
  let past: (readonly ChatMessage[])[] = [];
  let last: string | undefined;
  let busy = false;

  const note = async (kind: "prompt" | "completion", text: string, parent: string | undefined): Promise<string> => {
    const kept = text.length > longestNote ? `${text.slice(0, longestNote - 1)}\u2026` : text;
    const params = { kind, text: kept, ...(parent !== undefined && { parent }) };
    return ((await server.request("audit.note", params)) as { auditId: string }).auditId;
  };

  /** Drops the oldest questions until the rest has room. */
  function* makeRoom(turn: readonly ChatMessage[]): Generator<ChatEvent> {
    let size = [...past.flat(), ...turn].reduce((sum, message) => sum + sizeOf(message), 0);
    let dropped = 0;
    while (size > limits.characters && dropped < past.length)
      size -= (past[dropped++] ?? []).reduce((sum, message) => sum + sizeOf(message), 0);
    past = past.slice(dropped);
    if (dropped > 0) yield { type: "forgotten", questions: dropped };
    if (size > limits.characters)
      throw new ModelFault(
        "This question and what was read for it are longer than a model is given.",
        "Ask for less at once.",
      );
  }

  async function* converse(question: string, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const offer = offerTools((await server.tools()).tools, options.tools ?? []);
    const prompt = await note("prompt", question, last);
    yield { type: "prompt", auditId: prompt };
    const turn: ChatMessage[] = [{ role: "user", text: question }];
    const run = createCaller({
      ...{ server, model, citations, offer, prompt, agent },
      ...{ consentMs: options.consentMs ?? 0, callMs: limits.callMs },
      fallbackPurpose: toPurpose(`chat: ${question}`),
    });
    let calls = 0;
    for (let round = 1; ; round++) {
      yield* makeRoom(turn);
      // The last time it can only answer.
      const over = round >= limits.rounds || calls >= limits.calls;
      const messages: ChatMessage[] = [{ role: "system", text: instructions }, ...past.flat(), ...turn];
      if (over) messages.push({ role: "system", text: "No more calls can be made. Answer with what you have." });
      let text = "";
      let cut = false;
      const asked: AskedCall[] = [];
      for await (const piece of model.answer(messages, over ? [] : offer.tools, signal)) {
        signal.throwIfAborted();
        if (piece.kind === "end") cut = piece.cut;
        else if (piece.kind === "call") asked.push(piece.call);
        else {
          if (piece.kind === "text") text += piece.text;
          yield { type: piece.kind, text: piece.text };
        }
      }
      if (asked.length === 0 || over) {
        if (text.trim() === "") throw new ModelFault("The model gave no answer.", "Ask again, or in other words.");
        const auditId = await note("completion", text, prompt);
        past.push([...turn, { role: "assistant", text, calls: [] }]);
        last = auditId;
        yield { type: "answer", text, auditId, cut };
        return;
      }
      turn.push({ role: "assistant", text, calls: asked });
      for (const call of asked) {
        signal.throwIfAborted();
        const told = ++calls > limits.calls ? tooMany : yield* run(call, calls, signal);
        turn.push({ role: "tool", call, text: told });
      }
    }
  }

  return {
    async *ask(question, outer) {
      if (busy) throw new Error("A question is being answered: one at a time.");
      busy = true;
      const ending = new AbortController();
      const signal = AbortSignal.any([outer, ending.signal]);
      try {
        yield* converse(question, signal);
      } catch (error) {
        if (signal.aborted) yield { type: "stopped" };
        else yield toFault(error);
      } finally {
        ending.abort();
        busy = false;
      }
    },
    citations: citations.list,
    async open(number, signal) {
      const citation = citations.find(number);
      return citation && openCitation(server, citation, { agent, ...(last !== undefined && { parent: last }), signal });
    },
    forget() {
      past = [];
      last = undefined;
    },
  };
}

const tooMany = "TURN_LIMIT: No more calls can be made for this question. Answer with what you have.";

const sizeOf = (message: ChatMessage): number =>
  message.text.length +
  (message.role === "assistant"
    ? message.calls.reduce((sum, { args, name }) => sum + args.length + name.length, 0)
    : 0);

function toFault(error: unknown): ChatEvent {
  if (error instanceof ModelFault) return { type: "fault", message: error.message, next: error.next };
  const { message } = error instanceof Error ? error : new Error(String(error));
  return { type: "fault", message, next: "Is the server running, and is the token still valid? portcullis doctor" };
}
