import type { IncomingMessage, ServerResponse } from "node:http";
import { isJsonContentType, type McpServer, type RequestId, type ServerNotifier } from "@modelcontextprotocol/server";
import { CallError } from "@portcullis/contracts";
import type { Caller, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { idOf, parseMessage } from "./envelope.ts";
import { readBody } from "./http-body.ts";
import { createLegacyHttp } from "./http-legacy.ts";
import { createModernHttp } from "./http-modern.ts";
import { type Challenge, missingScope, refuse, refuseAsTold, refuseScope, refuseStranger } from "./http-refusal.ts";
import { routeMessage } from "./http-route.ts";
import type { SessionLimits } from "./sessions.ts";
import type { Profile, Visit } from "./visit.ts";

/** What the HTTP door knows of a request's sender. */
export type Sender = Pick<Origin, "credential" | "peer">;

/** A test's own server behind this transport, such as the one that the official conformance suite asks for. The product never sets it. */
export interface Fixtures {
  createServer(changed: ServerNotifier | undefined): McpServer;
  /** False for tools whose calls need checks of the SDK's that Portcullis's own tools do not. */
  isPlain(tool: string): boolean;
}

export interface McpHttpOptions {
  readonly corridor: Corridor;
  readonly profile: Profile;
  /** Milliseconds on any clock that never goes back. */
  readonly now: () => number;
  readonly sessions?: SessionLimits;
  readonly fixtures?: Fixtures;
  /** How who may not pass is told to log in. */
  readonly challenge?: Challenge;
}

export interface McpHttp {
  /** Answers one HTTP request at `/mcp`, whose Host and Origin the HTTP door has checked and whose body nobody has read. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, sender: Sender): Promise<void>;
  /** Ends every session and stream. */
  close(): Promise<void>;
}

/** One request, once its sender is known. */
export interface HttpVisit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  readonly visit: Visit;
}

/** MCP's Streamable HTTP: sessions for the revisions 2024-11-05 to 2025-11-25, stateless requests for 2026-07-28. */
export function createMcpHttp(options: McpHttpOptions): McpHttp {
  const { corridor } = options;
  const modern = createModernHttp(options);
  const legacy = createLegacyHttp(options, modern.changed);

  const receive = async (at: HttpVisit): Promise<void> => {
    const { request, response, visit } = at;
    switch (request.method) {
      case "GET":
        return legacy.listen(at);
      case "DELETE":
        return legacy.end(at);
      case "POST":
        break;
      default:
        return refuse(corridor, response, {
          origin: visit.origin,
          what: `${request.method} /mcp`,
          error: new CallError("INVALID_REQUEST", "Use POST, GET or DELETE."),
          status: 405,
          headers: { allow: "GET, POST, DELETE" },
        });
    }
    if (!isJsonContentType(request.headers["content-type"] ?? null)) {
      const error = new CallError("INVALID_REQUEST", "Send application/json.");
      return refuse(corridor, response, { origin: visit.origin, what: "POST /mcp", error, status: 415 });
    }
    const bytes = await readBody(request);
    const message = parseMessage(bytes);
    const scope = missingScope(at.caller, message);
    if (scope !== undefined)
      return refuseScope(corridor, at, { scope, id: idOf(message) as RequestId, challenge: options.challenge });
    const counted = { ...at, visit: { origin: visit.origin, bytes: bytes.length } };
    const route = routeMessage(request.headers, message);
    switch (route.kind) {
      case "modern":
        return modern.serve(counted, route);
      case "legacy":
        return legacy.serve(counted, message);
      case "reject":
        return refuseAsTold({ corridor, origin: visit.origin, response }, route.httpStatus, route.error);
    }
  };

  return {
    async handle(request, response, sender) {
      const origin: Origin = { door: "mcp-http", ...sender };
      try {
        const caller = await corridor.identify(origin.credential);
        if (!caller) return await refuseStranger(corridor, response, origin, options.challenge);
        await receive({ request, response, caller, visit: { origin } });
      } catch (error) {
        const known =
          error instanceof CallError
            ? error
            : new CallError("INTERNAL", "The server failed to answer.", { cause: error });
        await refuse(corridor, response, { origin, what: `${request.method} /mcp`, error: known }).catch(() =>
          response.destroy(),
        );
      }
    },
    async close() {
      await Promise.all([legacy.close(), modern.close()]);
    },
  };
}
