import type { RpcError } from "@portcullis/contracts";

/** The server refused the envelope: an unknown method, wrong parameters, no session. `error.data` holds the code and the audit id. */
export class RefusedRequest extends Error {
  readonly error: RpcError;

  constructor(error: RpcError) {
    super(`${error.data?.code ?? error.code}: ${error.message}`);
    this.name = "RefusedRequest";
    this.error = error;
  }
}

/** The server's answer does not fit the protocol's schema: it is refused as the server would refuse a malformed request. */
export class MalformedAnswer extends Error {
  constructor(method: string, faults: string) {
    super(`The answer to ${method} is malformed: ${faults}`);
    this.name = "MalformedAnswer";
  }
}

/** The connection ended before the answer came; whether the call was done is not known. */
export class ConnectionLost extends Error {
  constructor(reason: string) {
    super(`The connection was lost: ${reason}`);
    this.name = "ConnectionLost";
  }
}
