import type { Readable, Writable } from "node:stream";
import { serveStdio as serveSdk } from "@modelcontextprotocol/server/stdio";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { readInstructions } from "./instructions.ts";
import { createMcpServer } from "./mcp-server.ts";
import { StdioLines } from "./stdio-lines.ts";
import type { Profile } from "./visit.ts";

export interface StdioOptions {
  /** Whom policy judges the client as: who may start the program may read its data folder anyway. */
  readonly subject: string;
  readonly profile: Profile;
  readonly input: Readable;
  /** Carries nothing but the protocol. */
  readonly output: Writable;
  /** Ends the connection from this side. */
  readonly signal?: AbortSignal;
}

/** Serves one MCP client over lines of JSON, in any revision; resolves when the input has ended and what it asked was answered. */
export async function serveStdio(corridor: Corridor, options: StdioOptions): Promise<void> {
  const { subject, profile, input, output, signal } = options;
  const origin: Origin = { door: "mcp-stdio", credential: { kind: "local", subject } };
  const lines = new StdioLines({ corridor, origin, input, output });
  const connection = serveSdk(
    async () => {
      const instructions = await readInstructions(corridor, origin, profile);
      return createMcpServer({ corridor, profile, visit: { origin }, instructions });
    },
    { transport: lines },
  );
  const stop = (): void => void connection.close();
  signal?.addEventListener("abort", stop, { once: true });
  await lines.closed;
  signal?.removeEventListener("abort", stop);
  await connection.close();
}
