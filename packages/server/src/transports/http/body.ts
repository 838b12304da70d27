import { isUtf8 } from "node:buffer";
import { CallError } from "@portcullis/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** JSON as strict as the protocol: bytes that are no UTF-8 are refused instead of replaced. */
export function addJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body: Buffer, done) => {
    try {
      if (!isUtf8(body)) throw new SyntaxError("Some bytes are not UTF-8.");
      done(null, JSON.parse(body.toString("utf8")));
    } catch (error) {
      done(new CallError("PARSE_ERROR", `The body is not JSON: ${(error as Error).message.slice(0, 100)}`));
    }
  });
}

/** The forms of pages. */
export function addForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 16_384 },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  );
}

export const formOf = ({ body }: FastifyRequest): URLSearchParams =>
  body instanceof URLSearchParams ? body : new URLSearchParams();
