import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { connect } from "@portcullis/client";
import type { DoorName } from "./requirement.ts";
import { main, type World } from "./world.ts";

/** A call's outcome, read back from whatever shape its door gives it. */
export interface Answer {
  readonly ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its tool answered
  readonly result?: any;
  readonly code?: string;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its refusal told
  readonly details?: any;
  readonly auditId: string;
  /** What an MCP client's model reads. */
  readonly texts?: readonly string[];
  readonly why?: readonly string[];
  readonly turn?: { readonly handle: string; readonly calls?: number; readonly limit: number };
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the citations of its answer
  readonly citations?: any[];
}

export interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly annotations: Readonly<Record<string, unknown>>;
}

export interface Reasons {
  readonly purpose?: string;
  readonly turn?: string;
}

/** Someone who has come in through a door. Tools go by their dotted names on every door. */
export interface Guest {
  call(name: string, args?: Record<string, unknown>, reasons?: Reasons): Promise<Answer>;
  tools(): Promise<readonly ListedTool[]>;
  close(): Promise<void>;
}

export interface Who {
  readonly token: string;
  /** What the token acts as: stdio has no token, and is started for this subject. */
  readonly subject: string;
}

/** Comes in through a door with the client that users of it have. */
export function enter(door: DoorName, world: World, who: Who): Promise<Guest> {
  switch (door) {
    case "websocket":
      return enterWebSocket(world, who);
    case "http":
      return enterHttp(world, who);
    case "mcp-http":
      return enterMcp(new StreamableHTTPClientTransport(new URL(world.listening.mcp), authorized(who)), "2026-07-28");
    case "mcp-http-legacy":
      return enterMcp(new StreamableHTTPClientTransport(new URL(world.listening.mcp), authorized(who)));
    case "mcp-sse":
      return enterMcp(new SSEClientTransport(new URL(world.listening.sse), authorized(who)));
    case "mcp-stdio":
      return enterMcp(stdioTransport(world, ["--subject", who.subject]));
  }
}

const authorized = ({ token }: Who) => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } });

export const stdioTransport = (world: World, args: readonly string[]) =>
  new StdioClientTransport({
    command: process.execPath,
    args: [main, "stdio", world.folder, "--data", world.data, ...args],
    env: { PATH: process.env.PATH ?? "", HOME: world.base },
    stderr: "ignore",
  });

/** An empty purpose stands for none at all. */
const withPurpose = ({ purpose = "to prove a promise", turn }: Reasons = {}): Reasons => ({
  ...(purpose !== "" && { purpose }),
  ...(turn !== undefined && { turn }),
});

async function enterWebSocket(world: World, { token }: Who): Promise<Guest> {
  const client = await connect({ url: world.listening.websocket, token });
  return {
    call: async (name, args = {}, reasons) =>
      (await client.request("tools.call", { name, args, trace: withPurpose(reasons) })) as Answer,
    async tools() {
      const { tools } = await client.tools();
      return tools.map((tool) => ({ ...tool, description: tool.summary }));
    },
    close: () => client.close(),
  };
}

async function enterHttp(world: World, { token }: Who): Promise<Guest> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return {
    async call(name, args = {}, reasons) {
      const body = JSON.stringify({ name, args, trace: withPurpose(reasons) });
      const response = await fetch(`${world.listening.http}/v1/tools/call`, { method: "POST", headers, body });
      return (await response.json()) as Answer;
    },
    async tools() {
      const response = await fetch(`${world.listening.http}/v1/tools`, { headers });
      const { tools } = (await response.json()) as { tools: (ListedTool & { summary: string })[] };
      return tools.map((tool) => ({ ...tool, description: tool.summary }));
    },
    close: async () => {},
  };
}

type McpTransport = Parameters<Client["connect"]>[0];

export async function enterMcp(transport: McpTransport, pin?: string): Promise<Guest> {
  const client = new Client(
    { name: "portcullis-tests", version: "1" },
    pin === undefined ? {} : { versionNegotiation: { mode: { pin } } },
  );
  await client.connect(transport);
  return {
    async call(name, args = {}, reasons) {
      const { purpose, turn } = withPurpose(reasons);
      const _meta = { ...(purpose && { "portcullis/purpose": purpose }), ...(turn && { "portcullis/turn": turn }) };
      try {
        const result = await client.callTool({ name: name.replaceAll(".", "_"), arguments: args, _meta });
        return fromMcp(result as McpResult);
      } catch (error) {
        const { data, message } = error as { data?: Answer; message: string };
        if (data?.code === undefined) throw error;
        return { ...data, ok: false, message: data.message ?? message };
      }
    },
    async tools() {
      const { tools } = await client.listTools();
      return tools.map((tool) => ({
        name: tool.name,
        description: tool.description ?? "",
        input: tool.inputSchema,
        output: tool.outputSchema,
        annotations: { ...tool.annotations },
      }));
    },
    close: () => client.close(),
  };
}

interface McpResult {
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly _meta?: Readonly<Record<string, unknown>>;
}

function fromMcp(result: McpResult): Answer {
  const outcome = (result._meta?.["portcullis/outcome"] ?? {}) as Answer;
  if (result.isError) return { ...outcome, ok: false };
  return {
    ...outcome,
    ok: true,
    result: result.structuredContent,
    texts: result.content.map(({ text }) => text ?? ""),
  };
}
