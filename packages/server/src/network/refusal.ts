import { CallError, type Code } from "@portcullis/contracts";

/** One request of a fetch: the first is 0, each redirect is one more. */
export interface Hop {
  readonly url: URL;
  readonly number: number;
}

interface Refusal {
  readonly hop: Hop;
  readonly reason: string;
  /** What the caller can do now, as a sentence. */
  readonly next: string;
  readonly cause?: unknown;
  readonly [detail: string]: unknown;
}

/** A refusal with what every refusal of the network tells: `url`, `reason`, `hop`, `next`. */
export function refuse(code: Code, message: string, { hop, cause, ...more }: Refusal): CallError {
  const denied = code === "PERMISSION_DENIED" && { scope: null, resource: hop.url.href, smallestScope: null };
  const details = { url: hop.url.href, hop: hop.number, ...denied, ...more };
  return new CallError(code, message, { details, ...(cause !== undefined && { cause }) });
}

export const refuseSize = (hop: Hop, maxBytes: number): CallError =>
  refuse("TOO_LARGE", `The answer of ${hop.url.host} is over ${maxBytes} bytes.`, {
    hop,
    reason: "body",
    maxBytes,
    next: "Ask for a part of it with a Range header, or for a smaller page.",
  });

const upstream: readonly (readonly [RegExp, string, string])[] = [
  [
    /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|HOSTNAME_MISMATCH|EPROTO)/,
    "tls",
    "has no certificate that can be trusted",
  ],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM|EINVAL)$/, "connect", "cannot be reached"],
  [
    /^(HTTPParserError$|HPE_|UND_ERR_(INFO|RES|REQ|RESPONSE|SOCKET)|ECONNRESET|EPIPE|Z_|ERR__?ERROR|ERR_BROTLI|ERR_STREAM)/,
    "answer",
    "broke off or sent what is not HTTP",
  ],
];

/** Turns whatever a connection failed with into a refusal that tells its kind; the error itself stays inside as the cause. */
export function toRefusal(error: unknown, hop: Hop): CallError {
  if (error instanceof CallError) return error;
  const code = codeOf(error);
  const host = hop.url.host;
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") {
    return refuse("TOO_LARGE", `${host} sent more headers than are read.`, {
      hop,
      reason: "headers",
      next: "This server's answer cannot be read; use another source.",
      cause: error,
    });
  }
  if (/TIMEOUT|ETIMEDOUT/.test(code)) {
    return refuse("TIMEOUT", `${host} did not answer in time.`, {
      hop,
      reason: "timeout",
      next: "Try again later, or use another source.",
      cause: error,
    });
  }
  const [, reason, what] = upstream.find(([pattern]) => pattern.test(code)) ?? [null, "failed", "failed to answer"];
  return refuse("UPSTREAM", `${host} ${what}.`, {
    hop,
    reason,
    error: code,
    next: "Check the URL; if it is right, try again later.",
    cause: error,
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
