import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { CallError, codes } from "@portcullis/contracts";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { recorded, toErrorResponse } from "./envelope.ts";
import { sendJson } from "./http-reply.ts";

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

/** RFC 6750, section 3: a challenge, with an error only where a credential was shown. */
export function refuseStranger(corridor: Corridor, response: ServerResponse, origin: Origin): Promise<void> {
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
  const challenge = none ? 'Bearer realm="portcullis"' : 'Bearer realm="portcullis", error="invalid_token"';
  return refuse(corridor, response, { origin, what: "mcp", error, headers: { "www-authenticate": challenge } });
}
