import {
  codes,
  type Failure,
  isEnvelopeCode,
  type Outcome,
  type RequestId,
  type RpcResponse,
  resultText,
  type Success,
} from "@portcullis/contracts";

export const toResult = (id: RequestId, result: unknown): RpcResponse => ({ jsonrpc: "2.0", id, result });

/** A call's outcome travels whole, whatever it came to; only an envelope's fault is a JSON-RPC error. */
export const fromCall = (id: RequestId, outcome: Outcome): RpcResponse =>
  outcome.ok ? toResult(id, outcome) : fromFailure(id, outcome);

/** Any other method's answer travels bare. */
export const fromMethod = (id: RequestId, outcome: Outcome): RpcResponse =>
  outcome.ok ? toResult(id, outcome.result) : fromFailure(id, outcome);

export function fromFailure(id: RequestId, failure: Failure): RpcResponse {
  if (!isEnvelopeCode(failure.code)) return toResult(id, failure);
  const { code, message, details, auditId } = failure;
  const data = { code, auditId, ...(details && { details }) };
  return { jsonrpc: "2.0", id, error: { code: codes[code].jsonRpc, message, data } };
}

/** The text of a response. A call's result has been written already, and is the most of it. */
export function encode(response: RpcResponse): string {
  const outcome = "result" in response ? response.result : undefined;
  if (!isSuccess(outcome)) return JSON.stringify(response);
  const { ok: _ok, result: _result, ...rest } = outcome;
  return `{"jsonrpc":"2.0","id":${JSON.stringify(response.id)},"result":{"ok":true,"result":${resultText(outcome)},${JSON.stringify(rest).slice(1)}}`;
}

const isSuccess = (value: unknown): value is Success =>
  typeof value === "object" &&
  value !== null &&
  "ok" in value &&
  value.ok === true &&
  "auditId" in value &&
  "result" in value;
