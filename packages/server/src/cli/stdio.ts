import { serveStdio } from "../transports/mcp/stdio.ts";
import { type Command, text } from "./command.ts";
import { exits } from "./exit.ts";
import { openServer } from "./open-server.ts";

export const stdio: Command = {
  usage: "DIR… [--subject WHO] [--profile full|chatgpt]",
  summary: "Serve one MCP client on stdin and stdout",
  options: {
    subject: { type: "string", help: "whom policy judges the client as (default owner)" },
    profile: { type: "string", help: "which tools the client sees: full or chatgpt" },
  },
  async run(invocation) {
    const server = await openServer(invocation);
    const ending = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => ending.abort());
    try {
      await server.start();
      await serveStdio(server.corridor, {
        subject: text(invocation.values, "subject") ?? "owner",
        profile: server.settings.profile,
        input: process.stdin,
        output: process.stdout,
        signal: ending.signal,
      });
      return exits.ok;
    } finally {
      await server.stop(2_000);
    }
  },
};
