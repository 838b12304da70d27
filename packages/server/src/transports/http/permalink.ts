import type { Failure, Session } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Credential, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { formOf } from "./body.ts";
import { bearerOrCookie } from "./credential.ts";
import { toSessionCookies } from "./oauth/session-cookie.ts";
import { documentPage, loginPage, pageHeaders, refusalPage } from "./page.ts";
import { refusalHead, sendFailure } from "./reply.ts";

/** Where the login form posts to: no document's id begins with a segment of its own making. */
export const loginPath = "/d/-/login";

export interface PermalinkOptions {
  readonly corridor: Corridor;
  /** Whether browsers come over TLS: the cookie is then kept from anything else. */
  readonly secure: boolean;
}

/** `/d/ID`: the document that a search result's url leads to, for whoever has a token that may fetch it. */
export function addPermalink(app: FastifyInstance, { corridor, secure }: PermalinkOptions): void {
  const originOf = (request: FastifyRequest, credential: Credential): Origin => ({
    door: "permalink",
    credential,
    peer: request.ip,
  });

  app.post(loginPath, async (request, reply) => {
    const form = formOf(request);
    const [token, next] = [form.get("token") ?? "", form.get("next") ?? ""];
    // Only a document of this server: anything else would make the form send people elsewhere.
    const target = /^\/d\/(?!\/)[^\\\s]*$/.test(next) ? next : "/";
    const origin = originOf(request, { kind: "none" });
    const outcome = await corridor.handleMethod({ ...origin, method: "auth.exchange", params: { token } });
    if (!outcome.ok) {
      const page = loginPage({ next: target, note: outcome.message });
      return reply.code(refusalHead(outcome).status).headers(pageHeaders).send(page);
    }
    const head = {
      "set-cookie": toSessionCookies(outcome.result as Session, secure),
      location: target,
      "cache-control": "no-store",
    };
    return reply.code(303).headers(head).send();
  });

  app.get("/d/*", async (request, reply) => {
    const origin = originOf(request, bearerOrCookie(request.headers));
    const id = (request.raw.url ?? "").slice("/d/".length).split("?", 1)[0] ?? "";
    const outcome = await corridor.handleCall({
      ...origin,
      name: "fetch",
      args: { id },
      trace: { purpose: "open a cited document" },
    });
    if (request.headers.accept?.includes("text/html") !== true) {
      return outcome.ok ? reply.send(outcome.result) : sendFailure(reply, outcome);
    }
    if (!outcome.ok) return sendRefusal(request, reply, outcome);
    if (origin.credential.kind === "session") {
      const prolonged = await corridor.handleMethod({ ...origin, method: "auth.refresh", params: {} });
      if (prolonged.ok) reply.header("set-cookie", toSessionCookies(prolonged.result as Session, secure));
    }
    const { title, text } = outcome.result as { readonly title: string; readonly text: string };
    return reply.headers(pageHeaders).send(documentPage(title, text));
  });
}

function sendRefusal(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply {
  const { status, headers } = refusalHead(failure);
  const page =
    failure.code === "UNAUTHENTICATED"
      ? loginPage({
          next: request.raw.url ?? "/",
          note: "This document is behind a token.",
          again: request.headers["sec-fetch-site"] === "cross-site",
        })
      : refusalPage(failure.message, `${failure.code}, audit ${failure.auditId}`);
  return reply
    .code(status)
    .headers({ ...headers, ...pageHeaders })
    .send(page);
}
