import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session } from "@portcullis/contracts";
import type { Origin } from "../../../pipeline/arrival.ts";
import type { Corridor } from "../../../pipeline/corridor.ts";
import { bearerOrCookie } from "../credential.ts";
import { isFormToken, toFormToken } from "../form-token.ts";
import { loginPage, pageHeaders, toPageHeaders } from "../page.ts";
import { refusalHead } from "../reply.ts";
import type { OwnerDesk, PendingLogin } from "./authorization.ts";
import { type Choice, defaultLifetime, readChoice } from "./consent-form.ts";
import { consentPage, donePage } from "./consent-page.ts";
import { readForm } from "./read-form.ts";

export const consentPath = "/oauth/consent/";
export const ownerLoginPath = "/oauth/login";

export interface ConsentDeskOptions extends OwnerDesk {
  readonly corridor: Corridor;
  /** The cookies of a login: every page that asks who comes takes the same session. */
  readonly toCookies: (session: Session) => readonly string[];
}

export interface ConsentDesk {
  login(request: IncomingMessage, response: ServerResponse): Promise<void>;
  ask(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void>;
  answer(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void>;
}

/** Where the owner, who proves himself with his token, lets clients in or sends them away. */
export function createConsentDesk(options: ConsentDeskOptions): ConsentDesk {
  const { corridor, authorization, reach, record, toCookies } = options;

  /** The owner's session in this browser; undefined when whoever sits there has not proved to be the owner. */
  const sessionOf = async ({ headers }: IncomingMessage): Promise<string | undefined> => {
    const credential = bearerOrCookie({ cookie: headers.cookie });
    if (credential.kind !== "session") return undefined;
    return (await corridor.identify(credential))?.owner === true ? credential.secret : undefined;
  };

  const expired = (response: ServerResponse): void =>
    sendPage(
      response,
      400,
      donePage(
        "This login cannot go on",
        "It has ended or took too long, or it began in another browser. Start it again from the client.",
      ),
    );

  const show = async (
    response: ServerResponse,
    at: { login: PendingLogin; session: string; choice: Choice; status: number },
  ): Promise<void> => {
    const { login, session, choice, status } = at;
    const page = consentPage({
      login,
      choice,
      reach: await reach(choice.subject),
      action: consentPath + login.uid,
      formToken: toFormToken(session, login.uid),
    });
    // The browser follows the answer's redirects only where the page's policy lets forms lead.
    sendPage(response, status, page, toPageHeaders(toFormTarget(login.client.redirect)));
  };

  return {
    async login(request, response) {
      const form = await readForm(request);
      const [token, next] = [form.get("token") ?? "", form.get("next") ?? ""];
      // Only a consent page of this server: anything else would make the form send people elsewhere.
      const target = /^\/oauth\/consent\/[\w-]{1,128}$/.test(next) ? next : "/";
      const origin = originOf(request);
      const again = (status: number, note: string): void =>
        sendPage(response, status, loginPage({ next: target, note, action: ownerLoginPath }));
      const outcome = await corridor.handleMethod({ ...origin, method: "auth.exchange", params: { token } });
      if (!outcome.ok) return again(refusalHead(outcome).status, outcome.message);
      const session = outcome.result as Session;
      const caller = await corridor.identify({ kind: "session", secret: session.session });
      if (caller?.owner !== true) return again(403, "Only the owner's token lets clients in.");
      sendOn(response, target, toCookies(session));
    },

    async ask(request, response, uid) {
      const login = await authorization.pending(request, response, uid);
      if (!login) return expired(response);
      const session = await sessionOf(request);
      if (session === undefined) {
        const note = `${login.client.name} wants to use your data. Prove with your owner token that it is you who decides.`;
        const again = request.headers["sec-fetch-site"] === "cross-site";
        return sendPage(response, 401, loginPage({ next: consentPath + uid, note, action: ownerLoginPath, again }));
      }
      const choice = { subject: "owner", name: toName(login.client.name), lifetime: defaultLifetime };
      await show(response, { login, session, choice, status: 200 });
    },

    async answer(request, response, uid) {
      const form = await readForm(request);
      const login = await authorization.pending(request, response, uid);
      if (!login) return expired(response);
      const session = await sessionOf(request);
      const site = request.headers["sec-fetch-site"];
      const own = site === undefined || site === "same-origin";
      if (session === undefined || !own || !isFormToken(form.get("token") ?? "", toFormToken(session, uid)))
        return sendPage(
          response,
          403,
          donePage(
            "Not answered",
            "This answer did not come from the page that asked. Open the page again and answer there.",
          ),
        );
      const origin: Origin = { ...originOf(request), credential: { kind: "session", secret: session } };
      const { id: client, name, redirect } = login.client;
      if (form.get("decision") === "refuse") {
        await record(origin, { answer: "refuse", client, name, redirect });
        return sendOn(response, await authorization.refuse(request, response));
      }
      const subject = (form.get("subject") ?? "").trim();
      const read = readChoice(form, login, await reach(subject));
      if ("again" in read)
        return show(response, { login, session, choice: read.again, status: read.again.fault ? 422 : 200 });
      const { approval, lifetime } = read;
      await record(origin, { answer: "allow", client, name, redirect, subject, tools: approval.tools, lifetime });
      sendOn(response, await authorization.approve(request, response, approval));
    },
  };
}

export const originOf = ({ socket, headers }: IncomingMessage): Origin => ({
  door: "http",
  credential: { kind: "none" },
  ...(socket.remoteAddress && { peer: socket.remoteAddress }),
  ...(headers["user-agent"] && { client: { name: headers["user-agent"].slice(0, 200) } }),
});

/** A name for the token list that is made from a client's. */
function toName(client: string): string {
  const name = client
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return (name || "client").slice(0, 40);
}

/** The source of a Content-Security-Policy that covers a redirect. */
function toFormTarget(redirect: string): string {
  if (!URL.canParse(redirect)) return "";
  const { protocol, origin, host } = new URL(redirect);
  if (protocol !== "http:" && protocol !== "https:") return protocol;
  // The grammar knows no IPv6 addresses.
  return host.startsWith("[") ? protocol : origin;
}

function sendPage(response: ServerResponse, status: number, html: string, headers = pageHeaders): void {
  // Clients open the login in a window and wait for its return: isolated, it would be lost to them.
  const { "cross-origin-opener-policy": _alone, ...rest } = headers;
  response.writeHead(status, { ...rest, "content-length": Buffer.byteLength(html) }).end(html);
}

function sendOn(response: ServerResponse, location: string, cookies: readonly string[] = []): void {
  response
    .writeHead(303, {
      location,
      "cache-control": "no-store",
      "referrer-policy": "same-origin",
      ...(cookies.length > 0 && { "set-cookie": [...cookies] }),
    })
    .end();
}
