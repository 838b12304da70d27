import {
  codes,
  Failure,
  type MethodName,
  methodSchemas,
  type NotificationName,
  notificationSchemas,
  type RpcError,
} from "@portcullis/contracts";
import { type Check, checkOf } from "./check.ts";
import { fromRpcError, MalformedAnswer, RefusedRequest } from "./errors.ts";

const isFailure = checkOf(Failure);
const validators = new Map<MethodName, Check>();

function validatorOf(method: MethodName): Check {
  const known = validators.get(method);
  if (known) return known;
  const accepts = checkOf(methodSchemas[method].result);
  validators.set(method, accepts);
  return accepts;
}

/** A response of the server's, as far as it tells which request it answers. */
export interface Response {
  readonly id: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Something that the server tells by itself. */
export interface Told {
  readonly method: NotificationName;
  readonly params: unknown;
}

/**
 * Reads a message: a response to one of our requests, a notification, undefined for anything that is neither; throws when it is no JSON-RPC 2.0 at all, or
 * a notification that does not fit its schema.
 */
export function readMessage(text: string): Response | Told | undefined {
  const message: unknown = JSON.parse(text);
  if (typeof message !== "object" || message === null || (message as { jsonrpc?: unknown }).jsonrpc !== "2.0") {
    throw new Error("not JSON-RPC 2.0");
  }
  if (!("method" in message)) return typeof (message as Response).id === "string" ? (message as Response) : undefined;
  const { method, params } = message as unknown as Told;
  // A newer server may tell of things that this client knows nothing of.
  if ("id" in message || !Object.hasOwn(notificationSchemas, method)) return undefined;
  if (tellerOf(method)(params) === undefined) return { method, params };
  throw new Error(`a malformed ${method}`);
}

const tellers = new Map<NotificationName, Check>();

function tellerOf(method: NotificationName): Check {
  const known = tellers.get(method);
  if (known) return known;
  const accepts = checkOf(notificationSchemas[method]);
  tellers.set(method, accepts);
  return accepts;
}

/** The result of a response; throws `RefusedRequest` for a refusal, and `MalformedAnswer` for what is neither to the letter. */
export function readResult(method: MethodName, response: Response): unknown {
  const { result, error } = response;
  const [answered, refused] = ["result" in response, "error" in response];
  if (answered === refused) throw new MalformedAnswer(method, "neither result nor error");
  if (error !== undefined) {
    if (isRpcError(error)) throw fromRpcError(error);
    throw new MalformedAnswer(method, "the error has no code, message and data");
  }
  const fault = validatorOf(method)(result);
  if (fault === undefined) return result;
  throw isFailure(result) === undefined ? new RefusedRequest(result as Failure) : new MalformedAnswer(method, fault);
}

function isRpcError(error: unknown): error is RpcError {
  if (typeof error !== "object" || error === null) return false;
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: Record<string, unknown> };
  return (
    Number.isInteger(code) &&
    typeof message === "string" &&
    typeof data?.auditId === "string" &&
    typeof data.code === "string" &&
    Object.hasOwn(codes, data.code)
  );
}
