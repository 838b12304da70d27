import { readFile } from "node:fs/promises";
import { CallError } from "@portcullis/contracts";
import type { FastifyInstance } from "fastify";
import type { Corridor } from "../../pipeline/corridor.ts";
import { originOf } from "./mirror.ts";
import { sendFailure, sendResult } from "./reply.ts";

/** Where the script is fetched from, to be installed. */
export const userscriptPath = "/userscript/portcullis.user.js";

/** Put there by `npm run build`. */
const built = new URL("../../userscript/portcullis.user.js", import.meta.url);

/** The script for chatgpt.com, which holds nothing of anyone's, and the trade of a code for the token that it then uses. */
export function addUserscript(app: FastifyInstance, { corridor }: { readonly corridor: Corridor }): void {
  app.get(userscriptPath, async (request, reply) => {
    let script: Buffer;
    try {
      script = await readFile(built);
    } catch (cause) {
      const error = new CallError("NOT_FOUND", "The script was not built.", {
        cause,
        details: { next: "npm run build" },
      });
      return sendFailure(reply, await corridor.refuse(originOf(request), `GET ${userscriptPath}`, error));
    }
    return reply
      .headers({ "cache-control": "no-cache", "x-content-type-options": "nosniff" })
      .type("text/javascript; charset=utf-8")
      .send(script);
  });

  app.post("/v1/pair", async (request, reply) => {
    const origin = originOf(request);
    const fault = pairingFault(request.headers.origin, request.body);
    if (fault) return sendFailure(reply, await corridor.refuse(origin, "POST /v1/pair", fault));
    const params = request.body as Readonly<Record<string, unknown>>;
    return sendResult(
      reply.header("cache-control", "no-store"),
      await corridor.handleMethod({ ...origin, credential: { kind: "none" }, method: "auth.pair", params }),
    );
  });
}

/** Only a script outside of every page may pair: the requests of pages name their origin. */
function pairingFault(origin: string | undefined, body: unknown): CallError | undefined {
  if (origin !== undefined)
    return new CallError("PERMISSION_DENIED", "A page cannot be paired.", {
      details: { scope: null, reason: "sender" },
    });
  const { code, key } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof code === "string" && code.length <= 32 && typeof key === "string" && /^[A-Za-z0-9_-]{43}$/.test(key))
    return undefined;
  return new CallError("INVALID_PARAMS", "A pairing has a code, and a key of 43 letters.", { details: { at: "code" } });
}
