import type { Code, Failure, RpcError } from "@portcullis/contracts";

/** The server refused a request: an unknown method, wrong parameters, no session, a limit. A refused *call* is an outcome instead. */
export class RefusedRequest extends Error {
  readonly code: Code;
  /** The audit's record of the refusal. */
  readonly auditId: string;
  readonly details: unknown;

  constructor({
    code,
    message,
    auditId,
    details,
  }: Pick<Failure, "code" | "message" | "auditId"> & { details?: unknown }) {
    super(`${code}: ${message}`);
    this.name = "RefusedRequest";
    this.code = code;
    this.auditId = auditId;
    this.details = details;
  }
}

export const fromRpcError = ({ message, data }: RpcError): RefusedRequest => new RefusedRequest({ message, ...data });

/** The server's answer does not fit the protocol's schema: it is refused as the server would refuse a malformed request. */
export class MalformedAnswer extends Error {
  constructor(method: string, faults: string) {
    super(`The answer to ${method} is malformed: ${faults}`);
    this.name = "MalformedAnswer";
  }
}

/** The connection ended, or the time was over, before the answer came; whether the call was done is not known. */
export class ConnectionLost extends Error {
  constructor(reason: string) {
    super(`The connection was lost: ${reason}`);
    this.name = "ConnectionLost";
  }
}
