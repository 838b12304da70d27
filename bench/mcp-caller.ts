import { Agent, request } from "node:http";
import type { Operation } from "./measure.ts";

/** A raw keep-alive client of MCP over HTTP, so that what is measured is the server and not a client library. */
export interface McpCaller {
  /** Calls the tool once; rejects unless the answer holds `expected`. */
  call: Operation;
  close(): void;
}

export interface McpTarget {
  readonly url: string;
  readonly token?: string;
  readonly revision: "2025-11-25" | "2026-07-28";
  readonly tool: string;
  /** The arguments of the next call. */
  readonly args: () => Readonly<Record<string, unknown>>;
  /** Text that a right answer holds. */
  readonly expected: string;
}

const client = { name: "portcullis-bench", version: "1" };

export async function createMcpCaller(target: McpTarget): Promise<McpCaller> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const modern = target.revision === "2026-07-28";
  let session: string | undefined;
  let id = 0;

  const post = (
    body: object,
    extra: Record<string, string> = {},
  ): Promise<{ text: string; session: string | undefined; status: number }> =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify(body);
      const headers = {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(text)),
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": target.revision,
        ...(target.token && { authorization: `Bearer ${target.token}` }),
        ...(session && { "mcp-session-id": session }),
        ...extra,
      };
      const sent = request(target.url, { method: "POST", agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            text: Buffer.concat(chunks).toString("utf8"),
            session: response.headers["mcp-session-id"] as string | undefined,
            status: response.statusCode ?? 0,
          }),
        );
      });
      sent.on("error", reject);
      sent.end(text);
    });

  if (!modern) {
    const params = { protocolVersion: target.revision, capabilities: {}, clientInfo: client };
    session = (await post({ jsonrpc: "2.0", id: ++id, method: "initialize", params })).session;
    await post({ jsonrpc: "2.0", method: "notifications/initialized" });
  }
  const _meta = modern
    ? {
        "io.modelcontextprotocol/protocolVersion": target.revision,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": client,
      }
    : undefined;
  const extra: Record<string, string> = modern ? { "mcp-method": "tools/call", "mcp-name": target.tool } : {};

  return {
    async call() {
      const params = { name: target.tool, arguments: target.args(), ...(_meta && { _meta }) };
      const { text, status } = await post({ jsonrpc: "2.0", id: ++id, method: "tools/call", params }, extra);
      if (status !== 200 || !text.includes(target.expected))
        throw new Error(`${target.url} answered ${status}: ${text.slice(0, 300)}`);
    },
    close: () => agent.destroy(),
  };
}
