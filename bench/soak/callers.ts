import { Agent, request } from "node:http";
import { connect } from "@portcullis/client";
import type { Listening } from "../../test/support/world.ts";
import type { Planned } from "./mix.ts";

/** A way to make calls, by the door that its name tells. */
export interface Caller {
  readonly door: string;
  /** The whole text of the answer, and whether the call was done. */
  call(planned: Planned): Promise<{ readonly done: boolean; readonly text: string }>;
  /** Begins a call and goes away in the middle of it. */
  abandon(planned: Planned): Promise<void>;
  close(): Promise<void>;
}

export type Tokens = Readonly<Record<Planned["who"], string>>;

const trace = { purpose: "a long run" };
/** Longer than this (ms) no call may take. */
const patience = 60_000;

export async function overWebSocket({ websocket }: Listening, tokens: Tokens): Promise<Caller> {
  const open = async (token: string) => await connect({ url: websocket, token });
  const clients = { soak: await open(tokens.soak), roamer: await open(tokens.roamer) };
  const ask = async ({ name, args }: Planned, client: Awaited<ReturnType<typeof open>>) => {
    try {
      return (await client.request("tools.call", { name, args, trace })) as object;
    } catch (error) {
      return { ok: false, ...(error as object), message: (error as Error).message };
    }
  };
  return {
    door: "WebSocket",
    async call(planned) {
      const answer = await inTime(ask(planned, clients[planned.who]), planned);
      return { done: (answer as { ok?: boolean }).ok === true, text: JSON.stringify(answer) };
    },
    async abandon(planned) {
      const client = await open(tokens[planned.who]);
      ask(planned, client).catch(() => {});
      await client.close();
    },
    async close() {
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}

export function overHttp({ http }: Listening, tokens: Tokens): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const post = ({ name, args, who }: Planned, leave: boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ name, args, trace });
      const headers = { authorization: `Bearer ${tokens[who]}`, "content-type": "application/json" };
      const sent = request(`${http}/v1/tools/call`, { method: "POST", agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => resolve(text));
        response.once("error", reject);
      });
      sent.once("error", (error) => (leave ? resolve("") : reject(error)));
      sent.end(body);
      if (leave) setImmediate(() => sent.destroy());
    });
  return {
    door: "HTTP",
    async call(planned) {
      const text = await inTime(post(planned, false), planned);
      return { done: (JSON.parse(text) as { ok?: boolean }).ok === true, text };
    },
    abandon: async (planned) => void (await post(planned, true)),
    close: async () => agent.destroy(),
  };
}

export function overMcp({ mcp }: Listening, tokens: Tokens): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const revision = "2026-07-28";
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": revision,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "portcullis-soak", version: "1" },
    "portcullis/purpose": trace.purpose,
  };
  let id = 0;
  const post = ({ name, args, who }: Planned, leave: boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const tool = name.replaceAll(".", "_");
      const params = { name: tool, arguments: args, _meta };
      const headers = {
        authorization: `Bearer ${tokens[who]}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": revision,
        "mcp-method": "tools/call",
        "mcp-name": tool,
      };
      const sent = request(mcp, { method: "POST", agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => resolve(text));
        response.once("error", reject);
      });
      sent.once("error", (error) => (leave ? resolve("") : reject(error)));
      sent.end(JSON.stringify({ jsonrpc: "2.0", id: ++id, method: "tools/call", params }));
      if (leave) setImmediate(() => sent.destroy());
    });
  return {
    door: "MCP",
    async call(planned) {
      const text = await inTime(post(planned, false), planned);
      const { result } = JSON.parse(text) as { result?: { isError?: boolean } };
      return { done: result !== undefined && result.isError !== true, text };
    },
    abandon: async (planned) => void (await post(planned, true)),
    close: async () => agent.destroy(),
  };
}

async function inTime<T>(answer: Promise<T>, { kind, name }: Planned): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${patience} ms: ${kind}, ${name}.`)), patience);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
