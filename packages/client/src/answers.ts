import {
  codes,
  Failure,
  type MethodName,
  methodSchemas,
  type NotificationName,
  notificationSchemas,
  type RpcError,
} from "@portcullis/contracts";
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { fromRpcError, MalformedAnswer, RefusedRequest } from "./errors.ts";

const createAjv = (): Ajv2020 => new Ajv2020({ strict: true, allowUnionTypes: true });
const ajv = createAjv();
const isFailure = ajv.compile<Failure>(Failure);
const validators = new Map<MethodName, ValidateFunction>();

function validatorOf(method: MethodName): ValidateFunction {
  const known = validators.get(method);
  if (known) return known;
  // Two results may hold the same named schema, of which one instance takes each name once.
  const accepts = createAjv().compile(methodSchemas[method].result);
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
  if (tellerOf(method)(params)) return { method, params };
  throw new Error(`a malformed ${method}`);
}

const tellers = new Map<NotificationName, ValidateFunction>();

function tellerOf(method: NotificationName): ValidateFunction {
  const known = tellers.get(method);
  if (known) return known;
  const accepts = ajv.compile(notificationSchemas[method]);
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
  const accepts = validatorOf(method);
  if (accepts(result)) return result;
  const faults = ajv.errorsText(accepts.errors);
  throw isFailure(result) ? new RefusedRequest(result) : new MalformedAnswer(method, faults);
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
