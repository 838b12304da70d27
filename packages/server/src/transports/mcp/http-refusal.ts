import type { IncomingMessage, ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { CallError, codes } from "@portcullis/contracts";
import type { Caller, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { recorded, toErrorResponse } from "./envelope.ts";
import type { HttpVisit } from "./http.ts";
import { sendJson } from "./http-reply.ts";
import { fromMcpName } from "./tool-names.ts";

export interface Refusal {
  readonly origin: Origin;
  /** What was asked for, as far as it is known: a method, or what is wrong with the envelope. */
  readonly what: string;
  readonly error: CallError;
  readonly id?: RequestId | null;
  /** Where the protocol wants another status than the code's. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
}

/** Records that an envelope was refused, then says so. */
export async function refuse(corridor: Corridor, response: ServerResponse, refusal: Refusal): Promise<void> {
  const { origin, what, error, id = null, headers = {} } = refusal;
  const failure = await corridor.refuse(origin, what, error);
  const status = refusal.status ?? codes[failure.code].http;
  // What is left of a body that was not read would be taken for the next request.
  const close = response.req.complete ? {} : { connection: "close" };
  sendJson(response, status, toErrorResponse(failure, id), { ...headers, ...close });
}

/** Answers with an error in the words of the SDK, after it was recorded. */
export async function refuseAsTold(
  at: { readonly corridor: Corridor; readonly origin: Origin; readonly response: ServerResponse },
  status: number,
  message: JSONRPCMessage,
): Promise<void> {
  sendJson(at.response, status, await recorded(at.corridor, at.origin, message));
}

/** Words the WWW-Authenticate header for a request. */
export type Challenge = (
  request: IncomingMessage,
  grievance: { readonly error?: "invalid_token" | "insufficient_scope"; readonly scope?: string },
) => string;

const plainChallenge: Challenge = (_request, { error }) =>
  error ? `Bearer realm="portcullis", error="${error}"` : 'Bearer realm="portcullis"';

/** The scope that a posted message's call lacks; undefined when nothing but policy stands in its way. */
export function missingScope({ narrowing }: Caller, message: unknown): string | undefined {
  if (!narrowing || Array.isArray(message)) return undefined;
  const { method, params } = message as { method?: unknown; params?: { name?: unknown } | null };
  const name = method === "tools/call" ? params?.name : undefined;
  return typeof name === "string" ? narrowing.lacks(fromMcpName(name)) : undefined;
}

/** RFC 6750, 3.1: the client may come back with a login for more. */
export function refuseScope(
  corridor: Corridor,
  { request, response, visit: { origin } }: HttpVisit,
  at: { readonly scope: string; readonly id: RequestId | null; readonly challenge: Challenge | undefined },
): Promise<void> {
  const { scope, id, challenge = plainChallenge } = at;
  const error = new CallError("PERMISSION_DENIED", "This tool was not part of the login.", {
    details: { scope: null, reason: "insufficient_scope", next: `Log in again and ask for the scope "${scope}".` },
  });
  const headers = { "www-authenticate": challenge(request, { error: "insufficient_scope", scope }) };
  return refuse(corridor, response, { origin, what: "tools/call", error, id, status: 403, headers });
}

/** RFC 6750, section 3: a challenge, with an error only where a credential was shown. */
export function refuseStranger(
  corridor: Corridor,
  response: ServerResponse,
  origin: Origin,
  challenge: Challenge = plainChallenge,
): Promise<void> {
  const none = origin.credential.kind === "none";
  const error = new CallError(
    "UNAUTHENTICATED",
    none ? "A token is needed." : "This token is not known, has expired or was revoked.",
    {
      details: {
        next: "Send `Authorization: Bearer TOKEN`; the owner makes one with `portcullis token create NAME --subject WHO`.",
      },
    },
  );
  return refuse(corridor, response, {
    origin,
    what: "mcp",
    error,
    headers: { "www-authenticate": challenge(response.req, none ? {} : { error: "invalid_token" }) },
  });
}
