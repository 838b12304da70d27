import type { ConsentGrant, ConsentStatus, Failure, OpenRequest, Outcome, Session } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Origin } from "../../../pipeline/arrival.ts";
import type { Corridor } from "../../../pipeline/corridor.ts";
import { formOf } from "../body.ts";
import { bearerOrCookie } from "../credential.ts";
import { isFormToken, toFormToken } from "../form-token.ts";
import { toSessionCookies } from "../oauth/session-cookie.ts";
import { loginPage, pageHeaders } from "../page.ts";
import { refusalHead } from "../reply.ts";
import { inboxPage, notePage, requestPage, settledPage } from "./consent-page.ts";

export interface ConsentPagesOptions {
  readonly corridor: Corridor;
  /** Whether browsers come over TLS: the cookie is then kept from anything else. */
  readonly secure: boolean;
}

const loginPath = "/consent/-/login";
const requestPath = /^\/consent\/[0-9A-Z]{1,64}$/;

/** The owner, in a browser. `session` is what forms are bound to. */
interface Owner {
  readonly origin: Origin;
  readonly session: string;
}

/**
 * `/consent` and `/consent/ID`: where the owner, who has logged in with their token, answers what denied calls ask. They work without any script; all that
 * they show and do goes through the corridor's methods of consent, as on every other door.
 */
export function addConsentPages(app: FastifyInstance, { corridor, secure }: ConsentPagesOptions): void {
  const send = (reply: FastifyReply, status: number, page: string): FastifyReply =>
    reply.code(status).headers(pageHeaders).send(page);

  /** The owner's session in this browser; undefined when the answer has been sent: a login, or a refusal. */
  const ownerOf = async (request: FastifyRequest, reply: FastifyReply): Promise<Owner | undefined> => {
    const credential = bearerOrCookie({ cookie: request.headers.cookie });
    const caller = await corridor.identify(credential);
    if (credential.kind === "session" && caller?.owner) {
      const origin = { door: "http", credential, peer: request.ip } as const;
      return { origin, session: credential.secret };
    }
    const note = "Requests are the owner's to answer. Prove with the owner's token that it is you.";
    const next = requestPath.test(request.url) ? request.url : "/consent";
    // The browser leaves the cookie out where a link of another site led here.
    const again = credential.kind === "none" && request.headers["sec-fetch-site"] === "cross-site";
    send(reply, 401, loginPage({ next, note, action: loginPath, again }));
    return undefined;
  };

  const ask = ({ origin }: Owner, method: string, params: object = {}): Promise<Outcome> =>
    corridor.handleMethod({ ...origin, method, params });

  const fail = (reply: FastifyReply, failure: Failure): FastifyReply => {
    const { reason } = failure.details ?? {};
    const status = reason === "answered" ? 409 : reason === "expired" ? 410 : refusalHead(failure).status;
    return send(reply, status, notePage("Not done", failure.message));
  };

  /** Whether a form came from a page of this server that was opened in this session. */
  const isOwn = (request: FastifyRequest, { session }: Owner, about: string): boolean => {
    const site = request.headers["sec-fetch-site"];
    return (
      (site === undefined || site === "same-origin") &&
      isFormToken(formOf(request).get("token") ?? "", toFormToken(session, about))
    );
  };
  const foreign = (reply: FastifyReply): FastifyReply =>
    send(
      reply,
      403,
      notePage("Not done", "This answer did not come from the page that asked. Open the page again and answer there."),
    );

  const show = async (reply: FastifyReply, owner: Owner, id: string, fault?: string): Promise<FastifyReply> => {
    const listed = await ask(owner, "consent.list");
    if (!listed.ok) return fail(reply, listed);
    const { requests } = listed.result as { readonly requests: readonly OpenRequest[] };
    const open = requests.find((request) => request.id === id);
    if (open) {
      const form = { action: `/consent/${id}`, token: toFormToken(owner.session, id) };
      return send(reply, fault === undefined ? 200 : 422, requestPage(open, form, fault));
    }
    const status = await ask(owner, "consent.status", { id });
    if (!status.ok) return fail(reply, status);
    const settled = status.result as ConsentStatus;
    return send(reply, settled.state === "expired" ? 410 : 200, settledPage(settled));
  };

  app.post(loginPath, async (request, reply) => {
    const form = formOf(request);
    const [token, next] = [form.get("token") ?? "", form.get("next") ?? ""];
    // Only a page of consent: anything else would make the form send people elsewhere.
    const target = requestPath.test(next) ? next : "/consent";
    const again = (status: number, note: string): FastifyReply =>
      send(reply, status, loginPage({ next: target, note, action: loginPath }));
    const origin: Origin = { door: "http", credential: { kind: "none" }, peer: request.ip };
    const outcome = await corridor.handleMethod({ ...origin, method: "auth.exchange", params: { token } });
    if (!outcome.ok) return again(refusalHead(outcome).status, outcome.message);
    const session = outcome.result as Session;
    const caller = await corridor.identify({ kind: "session", secret: session.session });
    if (!caller?.owner) return again(403, "Only the owner's token answers requests.");
    const cookies = toSessionCookies(session, secure);
    return reply.code(303).headers({ "set-cookie": cookies, location: target, "cache-control": "no-store" }).send();
  });

  app.get("/consent", async (request, reply) => {
    const owner = await ownerOf(request, reply);
    if (!owner) return reply;
    const [listed, held] = [await ask(owner, "consent.list"), await ask(owner, "consent.grants")];
    if (!listed.ok) return fail(reply, listed);
    if (!held.ok) return fail(reply, held);
    const { requests } = listed.result as { readonly requests: readonly OpenRequest[] };
    const { grants } = held.result as { readonly grants: readonly ConsentGrant[] };
    return send(
      reply,
      200,
      inboxPage(requests.toReversed(), grants, (about) => toFormToken(owner.session, about)),
    );
  });

  app.get<{ Params: { id: string } }>("/consent/:id", async (request, reply) => {
    const owner = await ownerOf(request, reply);
    return owner ? show(reply, owner, request.params.id) : reply;
  });

  app.post<{ Params: { id: string } }>("/consent/:id", async (request, reply) => {
    const owner = await ownerOf(request, reply);
    if (!owner) return reply;
    const { id } = request.params;
    if (!isOwn(request, owner, id)) return foreign(reply);
    const form = formOf(request);
    const chosen = await toAnswer(form, id, () => ask(owner, "consent.list"));
    if (chosen === undefined) return show(reply, owner, id, "Choose one of the answers.");
    const outcome = await ask(owner, "consent.answer", chosen);
    if (outcome.ok)
      return reply
        .code(303)
        .headers({ location: `/consent/${id}`, "cache-control": "no-store" })
        .send();
    if (outcome.details?.reason === "choice") return show(reply, owner, id, outcome.message);
    return fail(reply, outcome);
  });

  app.post("/consent/-/withdraw", async (request, reply) => {
    const owner = await ownerOf(request, reply);
    if (!owner) return reply;
    const id = formOf(request).get("grant") ?? "";
    if (!isOwn(request, owner, id)) return foreign(reply);
    const outcome = await ask(owner, "consent.withdraw", { id });
    if (!outcome.ok) return fail(reply, outcome);
    return reply.code(303).headers({ location: "/consent", "cache-control": "no-store" }).send();
  });
}

/** The answer that a form gives, as `consent.answer` takes it; undefined when it is none that was offered. */
async function toAnswer(form: URLSearchParams, id: string, list: () => Promise<Outcome>): Promise<object | undefined> {
  const name = form.get("offer");
  if (name === "deny") return { id, answer: "deny" };
  const listed = await list();
  if (!listed.ok) return undefined;
  const { requests } = listed.result as { readonly requests: readonly OpenRequest[] };
  const request = requests.find((one) => one.id === id);
  // What is not open any more is told by the answer to it.
  if (!request) return { id, answer: "deny" };
  const offer = request.offers.find((one) => one.name === name);
  if (!offer) return undefined;
  if (offer.answer === "never") return { id, answer: "never" };
  const [resource, purpose] = [form.get("resource")?.trim(), form.get("purpose")?.trim()];
  return {
    ...{ id, answer: "allow", for: offer.for },
    ...(offer.folder && { folder: true }),
    ...(resource && { resource }),
    ...(purpose && { purpose }),
  };
}
