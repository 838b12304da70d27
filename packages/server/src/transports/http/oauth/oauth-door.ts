import type { IncomingMessage, ServerResponse } from "node:http";
import { CallError, type Failure } from "@portcullis/contracts";
import { sendRaw } from "../raw-refusal.ts";
import { type ConsentDeskOptions, consentPath, createConsentDesk, originOf, ownerLoginPath } from "./consent-desk.ts";
import { type ResourceIdentity, resourceMetadataPath, toResourceMetadata } from "./protected-resource.ts";
import { readJson } from "./read-form.ts";

export interface OAuthDoorOptions extends Pick<ConsentDeskOptions, "corridor"> {
  readonly identity: ResourceIdentity;
  /** Undefined when tokens come from elsewhere: the door then only tells from where. */
  readonly desk?: Omit<ConsentDeskOptions, "corridor">;
}

/** Whether a request is the OAuth door's: it answers at everything under /oauth/ and at the well-known documents. */
export const isOAuthPath = (url: string): boolean =>
  /^\/(oauth\/|\.well-known\/(oauth-authorization-server|openid-configuration|oauth-protected-resource))/.test(url);

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What is served under a path, by method. */
type Route = Readonly<Record<string, Handler>>;

/**
 * Logins of clients: the documents that clients find their way by, the authorization server's endpoints, and the pages where the owner decides.
 * Never rejects.
 */
export function createOAuthDoor(options: OAuthDoorOptions): Handler {
  const { corridor, identity } = options;
  const routes = toRoutes(options);

  const refuse = async (
    request: IncomingMessage,
    response: ServerResponse,
    error: CallError,
    status?: number,
  ): Promise<void> => {
    const [path] = (request.url ?? "/").split("?", 1);
    const failure: Failure = await corridor.refuse(
      originOf(request),
      `${request.method} ${path?.slice(0, 100)}`,
      error,
    );
    if (response.headersSent) response.destroy();
    else if (status === undefined) sendRaw(response, failure);
    else
      response
        .writeHead(status, { "content-type": "application/json", connection: "close" })
        .end(JSON.stringify(failure));
  };

  return async (request, response) => {
    try {
      const [path = "/"] = (request.url ?? "/").split("?", 1);
      const metadata = path.startsWith(resourceMetadataPath)
        ? toResourceMetadata(identity, request.headers.host, path)
        : undefined;
      if (metadata !== undefined && (request.method === "GET" || request.method === "HEAD"))
        return sendDocument(response, metadata);
      const route = metadata === undefined ? routes(path) : { GET: async () => {} };
      if (!route)
        return await refuse(
          request,
          response,
          new CallError("NOT_FOUND", `There is nothing at ${path.slice(0, 100)}.`),
        );
      const handler = Object.hasOwn(route, request.method ?? "") ? route[request.method ?? ""] : undefined;
      if (handler) return await handler(request, response);
      response.setHeader("allow", Object.keys(route).join(", "));
      await refuse(request, response, new CallError("INVALID_REQUEST", `Use ${Object.keys(route).join(" or ")}.`), 405);
    } catch (error) {
      const known =
        error instanceof CallError
          ? error
          : new CallError("INTERNAL", "The server failed to answer.", { cause: error });
      await refuse(request, response, known).catch(() => response.destroy());
    }
  };
}

function toRoutes({ desk: parts, corridor }: OAuthDoorOptions): (path: string) => Route | undefined {
  if (!parts) return () => undefined;
  const { authorization } = parts;
  const desk = createConsentDesk({ ...parts, corridor });
  const own: Handler = (request, response) => authorization.handle(request, response);
  const get: Route = { GET: own };
  const open: Route = { GET: own, OPTIONS: own };
  const post: Route = { POST: own, OPTIONS: own };
  const fixed: Readonly<Record<string, Route>> = {
    "/.well-known/oauth-authorization-server": open,
    "/.well-known/openid-configuration": open,
    "/oauth/authorize": get,
    "/oauth/token": post,
    "/oauth/revoke": post,
    "/oauth/jwks": open,
    "/oauth/register": {
      POST: async (request, response) =>
        authorization.register(request, response, {
          peer: request.socket.remoteAddress ?? "",
          body: await readJson(request),
        }),
    },
    [ownerLoginPath]: { POST: desk.login },
  };
  return (path) => {
    if (Object.hasOwn(fixed, path)) return fixed[path];
    if (/^\/oauth\/authorize\/[\w-]{1,128}$/.test(path)) return get;
    const uid = path.startsWith(consentPath) ? path.slice(consentPath.length) : "";
    if (!/^[\w-]{1,128}$/.test(uid)) return undefined;
    return {
      GET: (request, response) => desk.ask(request, response, uid),
      POST: (request, response) => desk.answer(request, response, uid),
    };
  };
}

function sendDocument(response: ServerResponse, document: unknown): void {
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
  };
  response.writeHead(200, headers).end(JSON.stringify(document));
}
