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

interface ListedTool {
  readonly name: string;
  readonly description?: string;
  readonly tools?: readonly ListedTool[];
}

interface InputItem {
  readonly type?: string;
  readonly output?: unknown;
}

/** A model behind OpenAI's Responses API, as Codex asks it. */
export async function createScriptedResponses(steps: readonly Step[]): Promise<ScriptedModel> {
  const turns: ModelTurn[] = [];
  const { url, close } = await serveModel((path, body, response) => {
    if (path.startsWith("GET ") && path.endsWith("/models")) {
      return sendBody(response, 200, { object: "list", data: [{ id: "scripted", object: "model" }], models: [] });
    }
    if (path !== "POST /v1/responses") return sendBody(response, 404, {});
    const turn = toTurn(body);
    turns.push(turn);
    say(response, turns.length, chooseStep(steps, turn));
  });
  return { url: `${url}/v1`, turns, results: () => turns.at(-1)?.results ?? [], close };
}

function toTurn(body: Record<string, unknown>): ModelTurn {
  const input = (body.input ?? []) as readonly InputItem[];
  const results = input.filter(({ type }) => type?.endsWith("call_output")).map(({ output }) => textOf(output));
  return { tools: toTools((body.tools ?? []) as readonly ListedTool[]), results, body };
}

/** Codex lists the tools of an MCP server inside a namespace of its name. */
function toTools(listed: readonly ListedTool[], namespace?: string): readonly ModelTool[] {
  return listed.flatMap(({ name, description, tools }) =>
    tools
      ? toTools(tools, name)
      : [{ name, ...(namespace !== undefined && { namespace }), ...(description !== undefined && { description }) }],
  );
}

function say(response: ServerResponse, turn: number, choice: Choice | string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const id = `resp_${turn}`;
  sendEvent(response, "response.created", { response: { id } });
  sendEvent(response, "response.output_item.done", { output_index: 0, item: toItem(turn, choice) });
  const usage = {
    input_tokens: 1,
    input_tokens_details: null,
    output_tokens: 1,
    output_tokens_details: null,
    total_tokens: 2,
  };
  sendEvent(response, "response.completed", { response: { id, usage } });
  response.end();
}

function toItem(turn: number, choice: Choice | string): object {
  if (typeof choice === "string") {
    return { type: "message", role: "assistant", id: `msg_${turn}`, content: [{ type: "output_text", text: choice }] };
  }
  const { name, namespace } = choice.tool;
  return {
    type: "function_call",
    id: `fc_${turn}`,
    call_id: `call_${turn}`,
    name,
    ...(namespace !== undefined && { namespace }),
    arguments: JSON.stringify(choice.args),
  };
}
