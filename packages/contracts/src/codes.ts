/** When a caller may send the same call again. */
export type Retry = "never" | "later" | "after-change";

export interface CodeEntry {
  /** HTTP status of the same refusal on the HTTP mirror. */
  readonly http: number;
  /** JSON-RPC error code, used where the refusal is of the envelope. Ours lie in −32000…−32019 (MCP reserves −32020…−32099). */
  readonly jsonRpc: number;
  readonly retry: Retry;
  readonly summary: string;
}

const entry = (http: number, jsonRpc: number, retry: Retry, summary: string): CodeEntry => ({
  http,
  jsonRpc,
  retry,
  summary,
});

/** Every code that a caller can meet, with its HTTP status and JSON-RPC number. */
export const codes = {
  PARSE_ERROR: entry(400, -32700, "after-change", "The bytes are not one JSON text in UTF-8."),
  INVALID_REQUEST: entry(400, -32600, "after-change", "The JSON is not a request of this protocol."),
  METHOD_NOT_FOUND: entry(404, -32601, "never", "No such method."),
  INVALID_PARAMS: entry(400, -32602, "after-change", "The method's parameters do not fit its schema."),
  INTERNAL: entry(500, -32603, "later", "A fault of the server; its cause is kept in the log under the audit id."),
  UNAUTHENTICATED: entry(401, -32001, "after-change", "No valid token or session."),
  PERMISSION_DENIED: entry(
    403,
    -32003,
    "after-change",
    "No policy allows this resource to this subject, or one denies it.",
  ),
  NOT_FOUND: entry(404, -32004, "after-change", "No such tool, document or resource."),
  TOO_LARGE: entry(413, -32005, "after-change", "The request or the answer is over its size limit."),
  RATE_LIMITED: entry(429, -32006, "later", "A token bucket is empty."),
  TURN_LIMIT: entry(429, -32007, "later", "Too many calls in one turn."),
  FLOW_BLOCKED: entry(403, -32008, "after-change", "Private or untrusted content has met a way out."),
  CONSENT_REQUIRED: entry(403, -32009, "after-change", "The owner has to answer first."),
  TIMEOUT: entry(504, -32010, "later", "The call was not finished by its deadline."),
  CANCELLED: entry(499, -32011, "never", "The caller withdrew the call."),
  UPSTREAM: entry(502, -32012, "later", "The source behind the tool failed."),
  VALIDATION_ERROR: entry(400, -32013, "after-change", "The tool's arguments do not fit its schema."),
  UNAVAILABLE: entry(503, -32014, "later", "The server cannot take or record the call now."),
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;
