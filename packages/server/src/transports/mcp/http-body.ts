import type { IncomingMessage } from "node:http";
import { CallError } from "@portcullis/contracts";
import { maxMessageBytes, tooLarge } from "./envelope.ts";

/** The most time a body may take to arrive, in milliseconds. */
const bodyDeadline = 30_000;

/** Reads a request's body up to the size limit. Throws a `CallError` for a body that is too large, too slow, compressed or cut off. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return Promise.reject(new CallError("INVALID_REQUEST", "Send the body without a content-encoding."));
  }
  if (Number(request.headers["content-length"]) > maxMessageBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off("data", take).off("end", end).off("close", leave).off("error", leave);
    };
    const stop = (error: CallError): void => {
      finish();
      request.pause();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxMessageBytes) stop(tooLarge());
      else chunks.push(chunk);
    };
    const end = (): void => {
      finish();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    };
    const leave = (): void => stop(new CallError("CANCELLED", "The client went away before its message was complete."));
    const timer = setTimeout(() => stop(new CallError("TIMEOUT", "The body did not arrive in time.")), bodyDeadline);
    request.on("data", take).once("end", end).once("close", leave).once("error", leave);
  });
}
