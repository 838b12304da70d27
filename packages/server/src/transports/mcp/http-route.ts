import type { IncomingHttpHeaders } from "node:http";
import {
  classifyInboundRequest,
  type InboundModernRoute,
  type JSONRPCErrorResponse,
  type RequestId,
} from "@modelcontextprotocol/server";
import { idOf } from "./envelope.ts";

export type Route =
  | InboundModernRoute
  | { readonly kind: "legacy" }
  | { readonly kind: "reject"; readonly httpStatus: number; readonly error: JSONRPCErrorResponse };

export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** Which revisions a posted message belongs to, by the SDK's own rules. */
export function routeMessage(headers: IncomingHttpHeaders, message: unknown): Route {
  const protocolVersionHeader = headerOf(headers, "mcp-protocol-version");
  const mcpMethodHeader = headerOf(headers, "mcp-method");
  const mcpNameHeader = headerOf(headers, "mcp-name");
  const route = classifyInboundRequest({
    httpMethod: "POST",
    ...(protocolVersionHeader !== undefined && { protocolVersionHeader }),
    ...(mcpMethodHeader !== undefined && { mcpMethodHeader }),
    ...(mcpNameHeader !== undefined && { mcpNameHeader }),
    body: message,
  });
  if (route.kind !== "reject") return route.kind === "legacy" ? { kind: "legacy" } : route;
  const { httpStatus, code, message: text, data } = route;
  const error = { code, message: text, ...(data !== undefined && { data }) };
  return { kind: "reject", httpStatus, error: { jsonrpc: "2.0", id: idOf(message) as RequestId, error } };
}
