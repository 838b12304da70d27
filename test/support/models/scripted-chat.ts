import type { ServerResponse } from "node:http";
import {
  type Choice,
  chooseStep,
  type ModelTool,
  type ModelTurn,
  type ScriptedModel,
  type Step,
  sendBody,
  serveModel,
  textOf,
} from "./script.ts";

interface ListedTool {
  readonly function: { readonly name: string; readonly description?: string };
}

/** A model behind OpenAI's chat completions and Ollama's chat, both as streams: it says and asks in small pieces, as real ones do. */
export async function createScriptedChat(steps: readonly Step[]): Promise<ScriptedModel> {
  const turns: ModelTurn[] = [];
  const { url, close } = await serveModel((path, body, response) => {
    const openai = path === "POST /v1/chat/completions";
    if (!openai && path !== "POST /api/chat") return sendBody(response, 404, {});
    const turn = toTurn(body);
    turns.push(turn);
    const choice = chooseStep(steps, turn);
    if (openai) sayAsOpenAi(response, turns.length, choice);
    else sayAsOllama(response, choice);
  });
  return { url, turns, results: () => turns.at(-1)?.results ?? [], close };
}

/** What was answered since the last question. */
function toTurn(body: Record<string, unknown>): ModelTurn {
  const messages = (body.messages ?? []) as readonly { readonly role: string; readonly content?: unknown }[];
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const results = messages
    .slice(asked)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => textOf(content));
  const tools = ((body.tools ?? []) as readonly ListedTool[]).map(({ function: tool }): ModelTool => tool);
  return { tools, results, body };
}

const pieces = (text: string): readonly string[] => text.match(/[\s\S]{1,7}/g) ?? [];

function sayAsOpenAi(response: ServerResponse, turn: number, choice: Choice | string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (delta: object, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(
      `data: ${JSON.stringify({ id: `c${turn}`, object: "chat.completion.chunk", created: 1, model: "scripted", choices })}\n\n`,
    );
  };
  send({ role: "assistant", content: "" });
  if (typeof choice === "string") {
    for (const content of pieces(choice)) send({ content });
    send({}, "stop");
  } else {
    const { name } = choice.tool;
    send({ tool_calls: [{ index: 0, id: `call_${turn}`, type: "function", function: { name, arguments: "" } }] });
    for (const part of pieces(JSON.stringify(choice.args)))
      send({ tool_calls: [{ index: 0, function: { arguments: part } }] });
    send({}, "tool_calls");
  }
  response.end("data: [DONE]\n\n");
}

function sayAsOllama(response: ServerResponse, choice: Choice | string): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const send = (message: object, more: object = { done: false }): void =>
    void response.write(
      `${JSON.stringify({ model: "scripted", created_at: "2026-01-01T00:00:00Z", message: { role: "assistant", content: "", ...message }, ...more })}\n`,
    );
  if (typeof choice === "string") for (const content of pieces(choice)) send({ content });
  else send({ tool_calls: [{ function: { name: choice.tool.name, arguments: choice.args } }] });
  send({}, { done: true, done_reason: "stop", prompt_eval_count: 7, eval_count: 3 });
  response.end();
}
