import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { type ChatMessage, ModelFault, type ModelPiece, mostOfAnswer } from "./chat-model.ts";
import type { Talk } from "./model-fetch.ts";

interface Building {
  id: string;
  name: string;
  args: string;
}

/** Asks `/chat/completions` of an endpoint that speaks OpenAI's API, piece by piece. */
export async function* talkToOpenAi(talk: Talk): AsyncGenerator<ModelPiece> {
  const { OpenAI } = await import("openai");
  const openai = new OpenAI({
    // The key that is sent is the model's, if it has one.
    apiKey: "none",
    ...{ adminAPIKey: null, organization: null, project: null, webhookSecret: null },
    ...{ baseURL: talk.base, fetch: talk.fetch, maxRetries: 0, timeout: 3_600_000, logLevel: "off" as const },
  });
  const tools = talk.tools.map(({ name, description, input }) => ({
    type: "function" as const,
    function: { name, description, parameters: { ...input } },
  }));
  const asked = { model: talk.model, messages: talk.messages.map(toMessage), stream: true as const };
  // What OpenAI calls so now is `max_tokens` with everyone else.
  const most = /^https:\/\/([^/]+\.)?openai\.(com|azure\.com)(:\d+)?\//.test(`${talk.base}/`)
    ? { max_completion_tokens: talk.maxTokens }
    : { max_tokens: talk.maxTokens };
  const chunks = await openai.chat.completions.create(
    { ...asked, ...most, ...(tools.length > 0 && { tools }) },
    { signal: talk.signal },
  );
  const building = new Map<number, Building>();
  let [answered, cut] = [false, false];
  for await (const chunk of chunks) {
    const [choice] = Array.isArray(chunk?.choices) ? chunk.choices : [];
    if (!choice) continue;
    answered = true;
    const { content, tool_calls: parts } = choice.delta ?? {};
    const { reasoning_content: thinking } = (choice.delta ?? {}) as { readonly reasoning_content?: unknown };
    if (typeof thinking === "string" && thinking !== "") yield { kind: "thinking", text: thinking };
    if (typeof content === "string" && content !== "") yield { kind: "text", text: content };
    for (const part of Array.isArray(parts) ? parts : []) add(building, part);
    if (choice.finish_reason === "length") cut = true;
  }
  if (!answered) throw new ModelFault("The model's host ended its answer before it began.", "Try again.");
  for (const [index, { id, name, args }] of [...building].sort(([a], [b]) => a - b)) {
    if (name === "") throw new ModelFault("The model asked for a tool without a name.", "Ask again.");
    yield { kind: "call", call: { id: id === "" ? `call_${index}` : id, name, args: args === "" ? "{}" : args } };
  }
  yield { kind: "end", cut };
}

interface Part {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

/** A call comes in parts that its number holds together; some hosts send whole calls without numbers. */
function add(building: Map<number, Building>, { index, id, function: told }: Part): void {
  const at = Number.isSafeInteger(index) ? Number(index) : building.size;
  let call = building.get(at);
  if (!call) {
    if (building.size >= mostOfAnswer.calls)
      throw new ModelFault("The model asked for more calls than are taken at once.", "Ask for less.");
    call = { id: "", name: "", args: "" };
    building.set(at, call);
  }
  if (typeof id === "string" && call.id === "") call.id = id.slice(0, 256);
  if (typeof told?.name === "string" && call.name === "") call.name = told.name.slice(0, 256);
  if (typeof told?.arguments === "string") call.args += told.arguments;
  if (call.args.length > mostOfAnswer.argumentCharacters)
    throw new ModelFault("The model wrote longer arguments than are taken.", "Ask for less.");
}

function toMessage(message: ChatMessage): ChatCompletionMessageParam {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.call.id, content: message.text };
  if (message.role !== "assistant") return { role: message.role, content: message.text };
  const calls = message.calls.map(({ id, name, args }) => ({
    ...{ id, type: "function" as const },
    function: { name, arguments: args },
  }));
  return { role: "assistant", content: message.text, ...(calls.length > 0 && { tool_calls: calls }) };
}
