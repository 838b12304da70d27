import { CallError, type Failure } from "@portcullis/contracts";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Corridor } from "../../pipeline/corridor.ts";
import { originOf } from "./mirror.ts";
import { loginPath } from "./permalink.ts";
import { sendFailure } from "./reply.ts";

const methods = ["GET", "HEAD", "POST"] as const;

/** Every refusal that is not the corridor's own: recorded, and in the same form. */
export function addErrors(app: FastifyInstance, corridor: Corridor): void {
  app.setErrorHandler((error: FastifyError | CallError, request, reply) =>
    refuseError(corridor, { error, request, reply }),
  );
  app.setNotFoundHandler(async (request, reply) => {
    const path = pathOf(request.url);
    const route = path.startsWith("/d/") && path !== loginPath ? "/d/*" : path;
    const allowed = methods.filter((method) => app.hasRoute({ method, url: route }));
    if (allowed.length === 0) {
      const details = { next: "GET / lists the doors." };
      const error = new CallError("NOT_FOUND", `There is nothing at ${path}.`, { details });
      return sendFailure(reply, await refuse(corridor, request, error));
    }
    const error = new CallError("INVALID_REQUEST", `${path} takes ${allowed.join(", ")}, not ${request.method}.`);
    return reply
      .code(405)
      .header("allow", allowed.join(", "))
      .send(await refuse(corridor, request, error));
  });
}

export interface Fault {
  readonly error: FastifyError | CallError;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export async function refuseError(corridor: Corridor, { error, request, reply }: Fault): Promise<FastifyReply> {
  const known = error instanceof CallError ? error : fromFastify(error);
  const failure = await refuse(corridor, request, known);
  const wrongType = error.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE";
  return wrongType ? reply.code(415).send(failure) : sendFailure(reply, failure);
}

const refuse = (corridor: Corridor, request: FastifyRequest, error: CallError): Promise<Failure> =>
  corridor.refuse(originOf(request), `${request.method} ${pathOf(request.url)}`, error);

const pathOf = (url: string): string => (url.split("?", 1)[0] ?? "/").slice(0, 200);

function fromFastify(error: FastifyError): CallError {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new CallError("TOO_LARGE", "The body is larger than this server takes.", {
        details: { next: "Send less at once." },
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new CallError("INVALID_REQUEST", "Send application/json.");
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new CallError("INVALID_REQUEST", error.message)
        : new CallError("INTERNAL", "The server failed to answer.", { cause: error });
  }
}
