import type { ServerResponse } from "node:http";
import { CallError, type Outcome, type Session } from "@portcullis/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Notification, Origin } from "../../../pipeline/arrival.ts";
import type { Corridor } from "../../../pipeline/corridor.ts";
import { isLocal } from "../check-sender.ts";
import { bearerOrCookie } from "../credential.ts";
import { beginStream, endStream, toSink } from "../event-stream.ts";
import { endedCookies, toSessionCookies } from "../oauth/session-cookie.ts";
import { sendFailure, sendOutcome, sendResult } from "../reply.ts";
import { consoleHeaders, readConsole } from "./console-files.ts";

/** The methods that the console may ask for: what the owner answers, looks at and ends. */
const methods: ReadonlySet<string> = new Set([
  ...["consent.list", "consent.grants", "consent.answer", "consent.withdraw"],
  ...["console.audit", "console.chain", "console.clients", "console.revoke", "console.health"],
]);

export interface ConsoleDoor {
  /** Ends the streams of all open consoles: they come back by themselves. */
  close(): void;
}

export interface ConsoleDoorOptions {
  readonly corridor: Corridor;
  /** Whether browsers come over TLS: the cookie is then kept from anything else. */
  readonly secure: boolean;
}

/**
 * `/console/`: the owner's console, on this machine alone and behind the owner's login. Its files hold nothing of anyone's; all that it shows and does goes through
 * the corridor, and is on record.
 */
export function addConsole(app: FastifyInstance, { corridor, secure }: ConsoleDoorOptions): ConsoleDoor {
  const files = readConsole();
  const streams = new Set<ServerResponse>();

  const originOf = (request: FastifyRequest): Origin => ({
    door: "http",
    credential: bearerOrCookie({ cookie: request.headers.cookie }),
    peer: request.ip,
    client: { name: "console" },
  });
  /** Why a request is not the console's own; undefined when it is. */
  const faultOf = (request: FastifyRequest): CallError | undefined => {
    const refused = (message: string): CallError =>
      new CallError("PERMISSION_DENIED", message, { details: { scope: null, reason: "sender" } });
    if (!isLocal(request.raw))
      return refused("The console is for this machine alone: open it at 127.0.0.1, or through a tunnel of your own.");
    const site = request.headers["sec-fetch-site"];
    // A page of another site can make a browser ask; what it then sends says so.
    if (site !== undefined && site !== "same-origin" && !(site === "none" && request.method === "GET"))
      return refused("Another site's page cannot use the console.");
    return undefined;
  };
  const guarded =
    (answer: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const fault = faultOf(request);
      reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
      if (!fault) return answer(request, reply);
      return sendFailure(reply, await corridor.refuse(originOf(request), `${request.method} /console`, fault));
    };

  app.get("/console", async (_request, reply) => reply.code(308).headers({ location: "/console/" }).send());
  app.get<{ Params: { "*": string } }>("/console/*", async (request, reply) => {
    const name = request.params["*"] || "index.html";
    const file = files.get(name);
    const fault = isLocal(request.raw)
      ? undefined
      : new CallError("PERMISSION_DENIED", "The console is for this machine alone.", {
          details: { scope: null, reason: "sender" },
        });
    if (fault || !file) {
      const error =
        fault ?? new CallError("NOT_FOUND", "The console has no such file.", { details: { next: "/console/" } });
      return sendFailure(reply, await corridor.refuse(originOf(request), "GET /console", error));
    }
    return reply
      .headers({
        ...consoleHeaders,
        "cache-control": file.lasting ? "public, max-age=31536000, immutable" : "no-cache",
      })
      .type(file.type)
      .send(file.bytes);
  });

  app.post(
    "/console/api/login",
    guarded(async (request, reply) => {
      const { token } = (request.body ?? {}) as { readonly token?: unknown };
      const origin: Origin = { ...originOf(request), credential: { kind: "none" } };
      const outcome = await corridor.handleMethod({ ...origin, method: "auth.exchange", params: { token } });
      if (!outcome.ok) return sendFailure(reply, outcome);
      return admit(request, reply, outcome.result as Session);
    }),
  );
  /** Lets the owner in, and nobody else. */
  const admit = async (request: FastifyRequest, reply: FastifyReply, session: Session): Promise<FastifyReply> => {
    const credential = { kind: "session", secret: session.session } as const;
    if ((await corridor.identify(credential))?.owner)
      return reply.headers({ "set-cookie": toSessionCookies(session, secure) }).send({ expiresAt: session.expiresAt });
    await corridor.leave(credential);
    const error = new CallError("PERMISSION_DENIED", "Only the owner's token opens the console.", {
      details: { scope: null, reason: "not_owner" },
    });
    return sendFailure(reply, await corridor.refuse(originOf(request), "POST /console/api/login", error));
  };
  app.post(
    "/console/api/refresh",
    guarded(async (request, reply) => {
      const outcome = await corridor.handleMethod({ ...originOf(request), method: "auth.refresh", params: {} });
      return outcome.ok ? admit(request, reply, outcome.result as Session) : sendFailure(reply, outcome);
    }),
  );
  app.post(
    "/console/api/logout",
    guarded(async (request, reply) => {
      await corridor.leave(originOf(request).credential);
      return reply.headers({ "set-cookie": endedCookies(secure) }).send({});
    }),
  );
  app.post(
    "/console/api/search",
    guarded(async (request, reply) => {
      const { query } = (request.body ?? {}) as { readonly query?: unknown };
      const trace = { agent: "console", purpose: "the owner looks for it" };
      const outcome = await corridor.handleCall({ ...originOf(request), name: "search", args: { query }, trace });
      return outcome.ok ? reply.send(outcome.result) : sendOutcome(reply, outcome);
    }),
  );
  app.post<{ Params: { method: string } }>("/console/api/:method", async (request, reply) =>
    guarded(async () => {
      const { method } = request.params;
      const origin = originOf(request);
      if (methods.has(method))
        return sendResult(reply, await corridor.handleMethod({ ...origin, method, params: request.body ?? {} }));
      return sendFailure(
        reply,
        await corridor.refuse(
          origin,
          "POST /console/api",
          new CallError("NOT_FOUND", "The console asks for no such thing."),
        ),
      );
    })(request, reply),
  );

  app.get(
    "/console/events",
    guarded(async (request, reply) => {
      const response = reply.raw;
      const gone = new AbortController();
      response.once("close", () => {
        gone.abort();
        streams.delete(response);
      });
      const sink = toSink(response, gone.signal, { toFrame, last: "console.ended" });
      let outcome: Outcome | undefined;
      // What is told before the answer has begun waits for it.
      const early: Notification[] = [];
      const held = { ...sink, send: (told: Notification) => (outcome ? sink.send(told) : void early.push(told)) };
      outcome = await corridor.handleMethod({ ...originOf(request), method: "console.follow", params: {}, sink: held });
      if (!outcome.ok) return sendFailure(reply, outcome);
      reply.hijack();
      if (response.destroyed) return reply;
      beginStream(response, "");
      for (const told of early) sink.send(told);
      streams.add(response);
      return reply;
    }),
  );
  return {
    close() {
      for (const response of streams) endStream(response);
    },
  };
}

const toFrame = ({ method, params }: Notification): string => {
  const data = method === "console.records" ? params.records : method === "console.missed" ? params.count : params;
  return `event: ${method.slice("console.".length)}\ndata: ${JSON.stringify(data)}\n\n`;
};
