import type { Server, ServerContext } from "@modelcontextprotocol/server";
import type { FilledPrompt, PromptList } from "@portcullis/contracts";
import type { Request } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { toProtocolError } from "./answer.ts";
import { clientOf, readTrace } from "./read-call.ts";
import { type Visit, visitOf } from "./visit.ts";

/** `prompts/list` and `prompts/get`, answered as the connector protocol's methods are. */
export function servePrompts({ server, corridor, visit }: { server: Server; corridor: Corridor; visit: Visit }): void {
  const at = (context: ServerContext): Omit<Request, "method" | "params"> => {
    const client = clientOf({ server, context });
    return {
      ...(visitOf(context) ?? visit).origin,
      ...(client && { client }),
      defaultPurpose: `use by ${client?.name.slice(0, 200) || "an unnamed MCP client"}`,
      signal: context.mcpReq.signal,
    };
  };

  server.setRequestHandler("prompts/list", async ({ params }, context) => {
    const cursor = params?.cursor;
    const outcome = await corridor.handleMethod({
      ...at(context),
      method: "prompts.list",
      params: cursor === undefined ? {} : { cursor },
    });
    if (!outcome.ok) throw toProtocolError(outcome);
    return { prompts: (outcome.result as PromptList).prompts };
  });

  server.setRequestHandler("prompts/get", async ({ params }, context) => {
    const { name, arguments: given } = params;
    const outcome = await corridor.handleMethod({
      ...at(context),
      method: "prompts.get",
      params: { name, ...(given && { arguments: given }), trace: readTrace(context.mcpReq._meta) },
    });
    if (!outcome.ok) throw toProtocolError(outcome);
    return outcome.result as FilledPrompt;
  });
}
