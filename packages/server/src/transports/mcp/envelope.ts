import type { JSONRPCErrorResponse, JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { CallError, type Code, codes, type Failure } from "@portcullis/contracts";
import type { Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { toErrorData } from "./answer.ts";

/** The most bytes in one message. */
export const maxMessageBytes = 4 * 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the bytes of one message as JSON; bytes that are not UTF-8 are refused, never replaced. */
export function parseMessage(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new CallError("PARSE_ERROR", "The message is not UTF-8.");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new CallError("PARSE_ERROR", "The message is not JSON.");
  }
}

export const tooLarge = (): CallError =>
  new CallError("TOO_LARGE", `A message may hold ${maxMessageBytes} bytes; this one is larger.`, {
    details: { maxBytes: maxMessageBytes },
  });

/** The id to answer an envelope with that could not be taken: its own if it has one, else null. */
export function idOf(message: unknown): RequestId | null {
  if (typeof message !== "object" || message === null) return null;
  const { id } = message as { id?: unknown };
  return typeof id === "string" || Number.isInteger(id) ? (id as RequestId) : null;
}

/** A refused envelope as JSON-RPC; null is the id where none could be read, which the SDK's type leaves out. */
export const toErrorResponse = (failure: Failure, id: RequestId | null): JSONRPCErrorResponse => ({
  jsonrpc: "2.0",
  id: id as RequestId,
  error: { code: codes[failure.code].jsonRpc, message: failure.message, data: toErrorData(failure) },
});

const codeOf = new Map<number, Code>(
  (["PARSE_ERROR", "INVALID_REQUEST", "METHOD_NOT_FOUND", "INVALID_PARAMS", "INTERNAL"] as const).map((code) => [
    codes[code].jsonRpc,
    code,
  ]),
);

/** Said instead of an error that could not be recorded: nothing else of it leaves. */
const unrecorded: Failure = {
  ok: false,
  code: "UNAVAILABLE",
  message: "The request was refused, and the refusal could not be recorded.",
  auditId: "",
};

/**
 * Passes messages on as they are, but for errors that the SDK made by itself (an unknown method, a header that does not match): those are
 * recorded, and get the audit id. The specification's own error data stays beside it.
 */
export async function recorded(corridor: Corridor, origin: Origin, message: JSONRPCMessage): Promise<JSONRPCMessage> {
  // Not asked by the SDK's own guard: it takes an error whose id is null for no error, and such ones would go unrecorded.
  if (!("error" in message)) return message;
  const { code, message: text, data } = message.error;
  const details = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined;
  if (details && "auditId" in details) return message;
  const error = new CallError(codeOf.get(code) ?? "INVALID_REQUEST", text, details ? { details } : {});
  const failure = await corridor.refuse(origin, `mcp ${code}`, error).catch(() => unrecorded);
  const told = { ...failure.details, code: failure.code, auditId: failure.auditId };
  return { ...message, error: { code, message: failure.message, data: told } };
}
