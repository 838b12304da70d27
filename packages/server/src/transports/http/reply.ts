import { codes, type Failure, type Outcome } from "@portcullis/contracts";
import type { FastifyReply } from "fastify";

/** The HTTP status of a refusal, with the headers that belong to it. A challenge names an error only where a token was shown (RFC 6750, 3). */
export function refusalHead(
  { code, details }: Failure,
  tokenShown = false,
): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
} {
  const retryAfterMs = details?.retryAfterMs;
  const challenge = tokenShown ? 'Bearer realm="portcullis", error="invalid_token"' : 'Bearer realm="portcullis"';
  return {
    status: codes[code].http,
    headers: {
      ...(code === "UNAUTHENTICATED" && { "www-authenticate": challenge }),
      ...(typeof retryAfterMs === "number" && { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    },
  };
}

/** Sends a refusal as it is. */
export function sendFailure(reply: FastifyReply, failure: Failure): FastifyReply {
  const { status, headers } = refusalHead(failure, reply.request.headers.authorization !== undefined);
  return reply.code(status).headers(headers).send(failure);
}

/** Sends a call's outcome whole. */
export const sendOutcome = (reply: FastifyReply, outcome: Outcome): FastifyReply =>
  outcome.ok ? reply.code(200).send(outcome) : sendFailure(reply, outcome);

/** Sends a method's answer bare, and a refusal whole. */
export const sendResult = (reply: FastifyReply, outcome: Outcome): FastifyReply =>
  outcome.ok ? reply.code(200).send(outcome.result) : sendFailure(reply, outcome);
