import type { Code } from "./codes.ts";

/** The WebSocket subprotocol of the connector. */
export const subprotocol = "portcullis.v1";

/** A request's id (JSON-RPC 2.0, 4): our own clients send a ULID. */
export type RequestId = string | number | null;

export interface RpcRequest {
  readonly jsonrpc: "2.0";
  readonly method: string;
  readonly params?: unknown;
  /** Absent in a notification. */
  readonly id?: RequestId;
}

/** What every JSON-RPC error of ours carries beside its number and sentence. */
export interface RpcErrorData {
  readonly code: Code;
  readonly auditId: string;
  readonly details?: unknown;
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data: RpcErrorData;
}

export type RpcResponse =
  | { readonly jsonrpc: "2.0"; readonly id: RequestId; readonly result: unknown }
  | { readonly jsonrpc: "2.0"; readonly id: RequestId; readonly error: RpcError };

/** Whether a parsed message is a request or notification to the letter; checked by hand, since every call passes here. */
export function isRequest(message: unknown): message is RpcRequest {
  if (typeof message !== "object" || message === null || Array.isArray(message)) return false;
  const { jsonrpc, method, params, id } = message as Record<string, unknown>;
  if (jsonrpc !== "2.0" || typeof method !== "string") return false;
  if (params !== undefined && (typeof params !== "object" || params === null)) return false;
  return !Object.hasOwn(message, "id") || isId(id);
}

/** Whether an id can be given back exactly as it came: a number that JSON.parse had to round, or a text of any length, cannot. */
export function isId(id: unknown): id is RequestId {
  if (typeof id === "string") return id.length <= 256;
  if (typeof id === "number") return Number.isSafeInteger(id) || (Number.isFinite(id) && !Number.isInteger(id));
  return id === null;
}

/** The codes that are told as a JSON-RPC error; every other refusal is an outcome, and travels as a result. */
export const isEnvelopeCode = (code: Code): boolean => envelopeCodes.has(code);

const envelopeCodes: ReadonlySet<Code> = new Set<Code>([
  "PARSE_ERROR",
  "INVALID_REQUEST",
  "METHOD_NOT_FOUND",
  "INVALID_PARAMS",
  "UNAUTHENTICATED",
]);
