import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One step of a scripted model: it calls the first tool whose name fits, or says something and ends its turn. */
export type Step =
  | {
      readonly tool: RegExp;
      readonly args?: Readonly<Record<string, unknown>> | ((results: readonly string[]) => Record<string, unknown>);
    }
  | { readonly says: string };

export interface ModelTool {
  readonly name: string;
  readonly namespace?: string;
  readonly description?: string;
}

/** One turn of the client's loop, as the model saw it. */
export interface ModelTurn {
  readonly tools: readonly ModelTool[];
  /** What the tools have answered so far, oldest first, as text. */
  readonly results: readonly string[];
  /** The request's whole body. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A hosted model's API on loopback, that follows a script. */
export interface ScriptedModel {
  readonly url: string;
  /** The turns of the agent's loop, without side requests such as titles. */
  readonly turns: readonly ModelTurn[];
  /** The results that the last turn was given. */
  results(): readonly string[];
  close(): Promise<void>;
}

export interface Choice {
  readonly tool: ModelTool;
  readonly args: Record<string, unknown>;
}

/** What the script says to a turn: as many steps are done as there are results. */
export function chooseStep(steps: readonly Step[], { tools, results }: ModelTurn): Choice | string {
  const step = steps[Math.min(results.length, steps.length - 1)];
  if (!step) return "The script is empty.";
  if ("says" in step) return step.says;
  const tool = tools.find(({ namespace, name }) =>
    step.tool.test(namespace === undefined ? name : `${namespace}__${name}`),
  );
  if (!tool) return `No tool fits ${step.tool}; there are ${tools.map(({ name }) => name).join(", ") || "none"}.`;
  return { tool, args: typeof step.args === "function" ? step.args(results) : { ...step.args } };
}

export type Answer = (path: string, body: Record<string, unknown>, response: ServerResponse) => void;

/** Serves a model's API on a free loopback port. */
export async function serveModel(answer: Answer): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    readJson(request).then(
      (body) => answer(`${request.method} ${new URL(request.url ?? "/", "http://model").pathname}`, body, response),
      () => response.writeHead(400).end("{}"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Sends one server-sent event of a model's stream. */
export const sendEvent = (response: ServerResponse, type: string, data: object): void => {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
};

export const sendBody = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};

/** The text of a tool's result, whether the client passes a string or a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return JSON.stringify(content ?? "");
  return content
    .map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : JSON.stringify(part)))
    .join("\n");
}
