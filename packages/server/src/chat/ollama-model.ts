import type { Message } from "ollama";
import { type ChatMessage, ModelFault, type ModelPiece } from "./chat-model.ts";
import type { Talk } from "./model-fetch.ts";

/** Asks Ollama's `/api/chat`, piece by piece. */
export async function* talkToOllama(talk: Talk): AsyncGenerator<ModelPiece> {
  const { Ollama } = await import("ollama");
  const ollama = new Ollama({ host: talk.base, fetch: talk.fetch });
  const pieces = await ollama.chat({
    model: talk.model,
    messages: talk.messages.map(toMessage),
    tools: talk.tools.map(({ name, description, input }) => ({
      type: "function",
      function: { name, description, parameters: input as { type: string } },
    })),
    stream: true,
    options: { num_predict: talk.maxTokens },
  });
  let calls = 0;
  let cut = false;
  for await (const piece of pieces) {
    const { content, thinking, tool_calls: asked } = piece.message ?? {};
    if (typeof thinking === "string" && thinking !== "") yield { kind: "thinking", text: thinking };
    if (typeof content === "string" && content !== "") yield { kind: "text", text: content };
    for (const { function: wanted } of Array.isArray(asked) ? asked : []) {
      if (typeof wanted?.name !== "string")
        throw new ModelFault("The model asked for a tool without a name.", "Ask again.");
      // Ollama gives arguments as an object, and some models as text.
      const args = typeof wanted.arguments === "string" ? wanted.arguments : JSON.stringify(wanted.arguments ?? {});
      yield { kind: "call", call: { id: `call_${++calls}`, name: wanted.name, args } };
    }
    if (piece.done_reason === "length") cut = true;
  }
  yield { kind: "end", cut };
}

function toMessage(message: ChatMessage): Message {
  if (message.role === "tool") return { role: "tool", content: message.text, tool_name: message.call.name };
  if (message.role !== "assistant") return { role: message.role, content: message.text };
  const calls = message.calls.map(({ name, args }) => ({ function: { name, arguments: toObject(args) } }));
  return { role: "assistant", content: message.text, ...(calls.length > 0 && { tool_calls: calls }) };
}

/** What the model had written itself: where that was no object, it is given back as nothing. */
function toObject(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
