import {
  codes,
  type Failure,
  isEnvelopeCode,
  type Outcome,
  type RequestId,
  type RpcResponse,
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
