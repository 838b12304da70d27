import type { Failure } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Corridor } from "../../pipeline/corridor.ts";
import { bearerOrCookie, cookieName } from "./credential.ts";
import { refusalHead, sendFailure } from "./reply.ts";

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

/** A page has one style, named by its hash, and nothing else that could run or load. */
const headers = async (): Promise<Record<string, string>> => {
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(style))).toString("base64");
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'sha256-${digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  };
};

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? "");

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${style}</style><main><h1>${escape(title)}</h1>${body}</main></html>`;

const loginForm = (next: string, note: string): string =>
  page(
    "Portcullis",
    `<p>${escape(note)}</p><form method="post" action="/d/-/login"><input type="hidden" name="next" value="${escape(next)}"><p><label>Token <input type="password" name="token" autocomplete="off" required autofocus></label> <button>Open</button></p></form>`,
  );

/** How long a browser stays logged in for permalinks, in seconds. */
const loginSeconds = 12 * 60 * 60;

/** `/d/ID`: the document that a search result's url leads to, for whoever has a token that may fetch it. */
export function addPermalink(app: FastifyInstance, corridor: Corridor): void {
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 16_384 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );

  app.post("/d/-/login", async (request, reply) => {
    const { token = "", next = "" } = (request.body ?? {}) as { token?: string; next?: string };
    // Only a path below /d/ of this server: anything else would make the form send people elsewhere.
    const target = /^\/d\/(?!\/)[^\\\s]*$/.test(next) ? next : "/";
    const caller = await corridor.identify({ kind: "token", token });
    if (!caller)
      return reply
        .code(401)
        .headers(await headers())
        .send(loginForm(target, "This token is not known, has expired or was revoked."));
    const secure = request.headers["x-forwarded-proto"] === "https" ? "; Secure" : "";
    const cookie = `${cookieName}=${token}; Path=/d/; HttpOnly; SameSite=Lax; Max-Age=${loginSeconds}${secure}`;
    return reply.code(303).headers({ "set-cookie": cookie, location: target, "cache-control": "no-store" }).send();
  });

  app.get("/d/*", async (request, reply) => {
    const browser = request.headers.accept?.includes("text/html") === true;
    const id = (request.raw.url ?? "").slice("/d/".length).split("?", 1)[0] ?? "";
    const outcome = await corridor.handleCall({
      door: "permalink",
      credential: bearerOrCookie(request.headers),
      peer: request.ip,
      name: "fetch",
      args: { id },
      trace: { purpose: "open a cited document" },
    });
    if (!browser) return outcome.ok ? reply.send(outcome.result) : sendFailure(reply, outcome);
    if (!outcome.ok) return sendRefusal(request, reply, outcome);
    const { title, text } = outcome.result as { title: string; text: string };
    return reply.headers(await headers()).send(page(title, `<pre>${escape(text)}</pre>`));
  });
}

async function sendRefusal(request: FastifyRequest, reply: FastifyReply, failure: Failure): Promise<FastifyReply> {
  const { status, headers: extra } = refusalHead(failure);
  const next = request.raw.url ?? "/";
  const body =
    failure.code === "UNAUTHENTICATED"
      ? loginForm(next, "This document is behind a token.")
      : page(
          "Not shown",
          `<p>${escape(failure.message)}</p><p>${escape(failure.code)}, audit ${escape(failure.auditId)}</p>`,
        );
  return reply
    .code(status)
    .headers({ ...extra, ...(await headers()) })
    .send(body);
}
