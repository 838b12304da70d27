import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type NodeIncomingMessageLike, toWebRequest } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  type InboundModernRoute,
  type JSONRPCMessage,
  type McpServer,
  type Server,
  type ServerNotifier,
} from "@modelcontextprotocol/server";
import { recorded } from "./envelope.ts";
import type { HttpVisit, McpHttpOptions } from "./http.ts";
import { HttpExchange } from "./http-exchange.ts";
import { createReply, sendJson } from "./http-reply.ts";
import { readInstructions } from "./instructions.ts";
import { createListeners } from "./listeners.ts";
import { endWithLogin } from "./login-end.ts";
import { createMcpServer, modernRevisions } from "./mcp-server.ts";
import { fromAuthInfo, toAuthInfo, type Visit } from "./visit.ts";

/** The stateless revision: each request brings all that it needs, and gets a server of its own. */
export interface ModernHttp {
  serve(at: HttpVisit, route: InboundModernRoute): Promise<void>;
  readonly changed: ServerNotifier;
  close(): Promise<void>;
}

export function createModernHttp({ corridor, profile, fixtures }: McpHttpOptions): ModernHttp {
  const running = new Set<HttpExchange>();
  const instructions = new WeakMap<Visit, string>();

  const createServer = (visit: Visit): Server | McpServer => {
    const text = instructions.get(visit);
    return (
      fixtures?.createServer(handler.notify) ??
      createMcpServer({ corridor, profile, visit, ...(text && { instructions: text }) })
    );
  };
  const listeners = createListeners(corridor);
  // The SDK's own entry answers everything but calls that are plainly in order: it owns every check and every error of the revision.
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const visit = fromAuthInfo(authInfo);
      if (!visit) throw new Error("A request reached the SDK without its visit.");
      return createServer(visit);
    },
    { legacy: "reject", bus: listeners.bus },
  );

  const exchange = async ({ request, response, visit }: HttpVisit, route: InboundModernRoute): Promise<void> => {
    const reply = createReply(response, { expects: 1, streams: takesStream(request.headers) });
    const transport = new HttpExchange(corridor, route, reply);
    running.add(transport);
    response.once("close", () => {
      running.delete(transport);
      void transport.close();
    });
    await createServer(visit).connect(transport);
    transport.deliver(visit);
  };

  const throughSdk = async ({ request, response, visit }: HttpVisit, route: InboundModernRoute): Promise<void> => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    if (route.message.method === "server/discover")
      instructions.set(visit, await readInstructions(corridor, visit.origin, profile));
    const web = await toWebRequest(request as NodeIncomingMessageLike, route.message, { signal: gone.signal });
    const answer = await listeners.within({ visit, message: route.message }, () =>
      handler.fetch(web, { authInfo: toAuthInfo(visit), parsedBody: route.message }),
    );
    const headers = Object.fromEntries(answer.headers);
    if (headers["content-type"]?.startsWith("application/json")) {
      return sendJson(
        response,
        answer.status,
        await recorded(corridor, visit.origin, (await answer.json()) as JSONRPCMessage),
      );
    }
    if (response.destroyed) return answer.body?.cancel();
    response.writeHead(answer.status, headers);
    if (!answer.body) return void response.end();
    endWithLogin(corridor, visit.origin.credential, response);
    // A client that leaves a stream ends it: that is no fault.
    await pipeline(Readable.fromWeb(answer.body), response).catch(() => {});
  };

  return {
    serve: (at, route) =>
      isPlainCall(at.request.headers, route) && (fixtures?.isPlain(route.message.params.name) ?? true)
        ? exchange(at, route)
        : throughSdk(at, route),
    changed: handler.notify,
    async close() {
      await Promise.allSettled([handler.close(), ...[...running].map((transport) => transport.close())]);
    },
  };
}

/** A client that names only JSON gets no stream; one that names nothing takes all. */
export const takesStream = ({ accept }: IncomingHttpHeaders): boolean =>
  accept === undefined || accept.includes("text/event-stream") || accept.includes("*/*");

type PlainCall = InboundModernRoute & { readonly message: { readonly params: { readonly name: string } } };

/** A `tools/call` whose headers say literally what its body says: nothing is left for the SDK's entry to find fault with. */
function isPlainCall(headers: IncomingHttpHeaders, route: InboundModernRoute): route is PlainCall {
  const { message, messageKind, classification } = route;
  const name = (message.params as { name?: unknown } | undefined)?.name;
  return (
    messageKind === "request" &&
    message.method === "tools/call" &&
    typeof name === "string" &&
    classification.revision !== undefined &&
    modernRevisions.includes(classification.revision) &&
    headers["mcp-protocol-version"] === classification.revision &&
    headers["mcp-method"] === message.method &&
    headers["mcp-name"] === name
  );
}
