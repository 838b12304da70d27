import { createRequestStateCodec, McpServer, type ServerNotifier } from "@modelcontextprotocol/server";
import { legacyRevisions, modernRevisions } from "../../../packages/server/src/transports/mcp/mcp-server.ts";
import { addContents } from "./fixture-contents.ts";
import { addPrompts } from "./fixture-prompts.ts";
import { addQuestions } from "./fixture-questions.ts";
import { addResources } from "./fixture-resources.ts";
import { addRounds } from "./fixture-rounds.ts";

// A key of this process: the stateless revision serves every round of a call with a server of its own.
const state = createRequestStateCodec<Record<string, unknown>>({ key: crypto.getRandomValues(new Uint8Array(32)) });
export type StateCodec = typeof state;

/** The one tool whose calls must bring a header that repeats an argument. */
export const headerTool = "test_x_mcp_header";

/** A server with the tools, resources and prompts that the official conformance suite calls by name. */
export function createFixtureServer(changed: ServerNotifier | undefined): McpServer {
  const server = new McpServer(
    { name: "conformance-fixtures", version: "1.0.0" },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
      supportedProtocolVersions: [...legacyRevisions, ...modernRevisions],
      requestState: { verify: state.verify },
    },
  );
  addContents(server, changed);
  addQuestions(server);
  addRounds(server, state);
  addResources(server);
  addPrompts(server);
  server.server.setRequestHandler("completion/complete", async () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  return server;
}
