import type { ServerResponse } from "node:http";
import {
  type Choice,
  chooseStep,
  type ModelTool,
  type ModelTurn,
  type ScriptedModel,
  type Step,
  sendBody,
  sendEvent,
  serveModel,
  textOf,
} from "./script.ts";

interface Block {
  readonly type?: string;
  readonly content?: unknown;
}

/** A model behind Anthropic's Messages API, as Claude Code asks it. */
export async function createScriptedMessages(steps: readonly Step[]): Promise<ScriptedModel> {
  const turns: ModelTurn[] = [];
  const { url, close } = await serveModel((path, body, response) => {
    if (path.endsWith("/count_tokens")) return sendBody(response, 200, { input_tokens: 10 });
    if (!path.startsWith("POST ") || !path.endsWith("/messages"))
      return sendBody(response, path.startsWith("HEAD ") ? 200 : 404, {});
    const turn = toTurn(body);
    // Claude Code also asks for titles and the like, without the server's tools: those are no turns.
    const isTurn = turn.tools.some(({ name }) => name.startsWith("mcp__"));
    if (isTurn) turns.push(turn);
    say(response, { model: body.model, stream: body.stream === true, choice: isTurn ? chooseStep(steps, turn) : "ok" });
  });
  return { url, turns, results: () => turns.at(-1)?.results ?? [], close };
}

function toTurn(body: Record<string, unknown>): ModelTurn {
  const messages = (body.messages ?? []) as readonly { readonly content?: unknown }[];
  const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? (content as Block[]) : []));
  const results = blocks.filter(({ type }) => type === "tool_result").map(({ content }) => textOf(content));
  return { tools: (body.tools ?? []) as readonly ModelTool[], results, body };
}

let count = 0;

function say(
  response: ServerResponse,
  said: { readonly model: unknown; readonly stream: boolean; readonly choice: Choice | string },
): void {
  const { model, stream, choice } = said;
  count += 1;
  const message = {
    id: `msg_${count}`,
    type: "message",
    role: "assistant",
    model,
    content: [] as object[],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  };
  const stop_reason = typeof choice === "string" ? "end_turn" : "tool_use";
  const tool =
    typeof choice === "string" ? undefined : { type: "tool_use", id: `toolu_${count}`, name: choice.tool.name };
  if (!stream) {
    const block = typeof choice === "string" ? { type: "text", text: choice } : { ...tool, input: choice.args };
    sendBody(response, 200, { ...message, content: [block], stop_reason });
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  sendEvent(response, "message_start", { message });
  const empty = tool ? { ...tool, input: {} } : { type: "text", text: "" };
  sendEvent(response, "content_block_start", { index: 0, content_block: empty });
  const delta =
    typeof choice === "string"
      ? { type: "text_delta", text: choice }
      : { type: "input_json_delta", partial_json: JSON.stringify(choice.args) };
  sendEvent(response, "content_block_delta", { index: 0, delta });
  sendEvent(response, "content_block_stop", { index: 0 });
  sendEvent(response, "message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } });
  sendEvent(response, "message_stop", {});
  response.end();
}
