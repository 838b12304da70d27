import { Server, type Tool } from "@modelcontextprotocol/server";
import { CallError, type ToolDescription } from "@portcullis/contracts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { version } from "../../version.ts";
import { toProtocolError, unknownTool } from "./answer.ts";
import { callAskingOwner } from "./ask-owner.ts";
import { followLists, followPolicy } from "./changes.ts";
import { isInProfile, toMcpTool } from "./describe-tool.ts";
import { servePrompts } from "./prompts.ts";
import { clientOf, toArrival } from "./read-call.ts";
import { serveResources } from "./resources.ts";
import { fromMcpName } from "./tool-names.ts";
import { type Profile, type Visit, visitOf } from "./visit.ts";

/** The revisions in which a connection begins with `initialize`, newest first. */
export const legacyRevisions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/** The revisions in which each request stands alone. */
export const modernRevisions = ["2026-07-28"];

export interface McpServerOptions {
  readonly corridor: Corridor;
  readonly profile: Profile;
  /** From whom messages come that bring no visit of their own. */
  readonly visit: Visit;
  readonly instructions?: string;
}

/** One handler behind every MCP transport: it serves a single connection or exchange, in whichever revision that speaks. */
export function createMcpServer({ corridor, profile, visit, instructions }: McpServerOptions): Server {
  const server = new Server(
    { name: "portcullis", title: "Portcullis", version },
    {
      // ChatGPT takes tools only.
      capabilities:
        profile === "full"
          ? {
              tools: { listChanged: true },
              resources: { subscribe: true, listChanged: true },
              prompts: { listChanged: true },
            }
          : { tools: {} },
      supportedProtocolVersions: [...legacyRevisions, ...modernRevisions],
      ...(instructions !== undefined && { instructions }),
    },
  );

  server.setRequestHandler("tools/list", async (_request, context) => {
    const { origin } = visitOf(context) ?? visit;
    const client = clientOf({ server, context });
    const outcome = await corridor.handleMethod({
      ...origin,
      ...(client && { client }),
      method: "tools.list",
      params: {},
    });
    if (!outcome.ok) throw toProtocolError(outcome);
    const { tools } = outcome.result as { tools: readonly ToolDescription[] };
    const shown: Tool[] = tools
      .filter(({ name }) => isInProfile(profile, name))
      .map((tool) => toMcpTool(profile, tool));
    return { tools: shown };
  });

  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const from = visitOf(context) ?? visit;
    const name = fromMcpName(params.name);
    if (!isInProfile(profile, name)) {
      const missing = new CallError(
        "NOT_FOUND",
        `There is no tool named ${JSON.stringify(name.slice(0, 64))} here; there are search and fetch.`,
        {
          details: { tool: name.slice(0, 64) },
        },
      );
      throw unknownTool(await corridor.refuse(from.origin, name, missing));
    }
    return callAskingOwner({ corridor, server, context }, toArrival(params, { server, context, visit: from, profile }));
  });

  if (profile !== "full") return server;
  const ending = new AbortController();
  server.onclose = () => ending.abort();
  serveResources({ server, corridor, visit, gone: ending.signal });
  servePrompts({ server, corridor, visit });
  // Sessions alone: a stateless client listens by a request of its own.
  server.oninitialized = () => {
    const send: Readonly<Record<string, () => Promise<void>>> = {
      tools: () => server.sendToolListChanged(),
      resources: () => server.sendResourceListChanged(),
      prompts: () => server.sendPromptListChanged(),
    };
    const changed = (lists: readonly string[]): void => {
      for (const list of lists) send[list]?.().catch(() => {});
    };
    const following = { corridor, origin: visit.origin, gone: ending.signal };
    void followPolicy(following, () => changed(Object.keys(send)));
    void followLists(following, changed);
  };
  return server;
}
