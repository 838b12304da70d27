import { CallError } from "@portcullis/contracts";
import { BadAnswer } from "./answers.ts";

/** What is known of a failed request, without a word that the other side has written. */
export interface Failing {
  readonly status?: number;
  /** One of the API's error codes, such as `insufficient_quota`. */
  readonly code?: string;
  readonly retryAfterMs?: number;
  /** Of our own network. */
  readonly refused?: CallError;
  readonly cause: unknown;
}

/** Reads an error of the client library. An API error's text may hold parts of the key, so only its numbers and codes are taken. */
export function readFailing(error: unknown): Failing {
  const refused = findRefusal(error);
  if (refused) return { refused, cause: refused };
  if (error instanceof BadAnswer) return { cause: error };
  if (!(error instanceof Error)) return { cause: new Error("unknown") };
  const { status, code, requestID, headers } = error as Readonly<Record<string, unknown>> & Error;
  if (typeof status !== "number") return { cause: new Error(error.constructor.name) };
  const known = typeof code === "string" && /^[a-z_]{1,64}$/.test(code) ? code : undefined;
  const request = typeof requestID === "string" && /^[\w-]{1,100}$/.test(requestID) ? ` (${requestID})` : "";
  const retryAfterMs = headers instanceof Headers ? toRetryAfter(headers) : undefined;
  return {
    status,
    ...(known !== undefined && { code: known }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    cause: new Error(`HTTP ${status} ${known ?? ""}${request}`),
  };
}

function findRefusal(error: unknown): CallError | undefined {
  for (let depth = 0, each = error; depth < 5 && each instanceof Error; depth++, each = each.cause)
    if (each instanceof CallError) return each;
  return undefined;
}

/** `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110, 10.2.3); undefined when neither can be read. */
function toRetryAfter(headers: Headers): number | undefined {
  const [ms, seconds] = [headers.get("retry-after-ms"), headers.get("retry-after")];
  const values = [
    ms === null ? Number.NaN : Number(ms),
    seconds === null ? Number.NaN : Number(seconds) * 1_000,
    seconds === null ? Number.NaN : Date.parse(seconds) - Date.now(),
  ];
  return values.find((value) => Number.isFinite(value) && value >= 0);
}

/** Whether the same request may well succeed a moment later. */
export function isPassing({ status, code, refused }: Failing): boolean {
  if (refused) return refused.code === "UPSTREAM" && refused.details?.reason !== "content_type";
  if (status === undefined || code === "insufficient_quota") return false;
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

const tellOwner = "Tell the user: the owner has to look at this source's settings.";
const tryLater = "Try again later; other sources are not affected.";

/** The refusal that a caller may read: `UPSTREAM`, or `TIMEOUT`, `TOO_LARGE` and `UNAVAILABLE` where the network said so. */
export function toRefusal(failing: Failing, source: string): CallError {
  const { status, code, retryAfterMs, refused, cause } = failing;
  const details = { source, ...(status !== undefined && { status }) };
  const upstream = (message: string, more: Readonly<Record<string, unknown>>): CallError =>
    new CallError("UPSTREAM", message, { cause, details: { ...details, ...more } });
  if (refused) return toNetworkRefusal(refused, source);
  if (code === "insufficient_quota")
    return upstream(`The account behind ${source} has used up its quota.`, { reason: "quota", next: tellOwner });
  switch (status) {
    case undefined:
      return upstream(`${source} gave an answer that cannot be understood.`, { reason: "answer", next: tryLater });
    case 401:
    case 403:
      return upstream(`${source} does not accept the server's key.`, { reason: "key", next: tellOwner });
    case 404:
      return upstream(`${source} does not have what was asked for.`, { reason: "not_found", next: tellOwner });
    case 429:
      return upstream(`${source} has been asked too often.`, {
        reason: "rate",
        ...(retryAfterMs !== undefined && { retryAfterMs: Math.ceil(retryAfterMs) }),
        next: tryLater,
      });
  }
  if (status >= 500) return upstream(`${source} failed.`, { reason: "failed", next: tryLater });
  return upstream(`${source} does not accept the request.`, { reason: "request", next: tellOwner });
}

function toNetworkRefusal(cause: CallError, source: string): CallError {
  const reason = cause.details?.reason ?? "network";
  const refusal = (code: "UPSTREAM" | "TIMEOUT" | "TOO_LARGE" | "UNAVAILABLE", what: string, next: string): CallError =>
    new CallError(code, `${source} ${what}.`, { cause, details: { source, reason, next } });
  switch (cause.code) {
    case "TIMEOUT":
      return refusal("TIMEOUT", "did not answer in time", tryLater);
    case "TOO_LARGE":
      return refusal("TOO_LARGE", "gave more than is read at once", "Search for the passages that you need.");
    case "UNAVAILABLE":
      return refusal("UNAVAILABLE", "is being asked too much at once", "Try again in a few seconds.");
    case "PERMISSION_DENIED":
    case "VALIDATION_ERROR":
      return refusal("UPSTREAM", "may not be reached at its address", tellOwner);
    default:
      return refusal("UPSTREAM", "could not be reached or broke off", tryLater);
  }
}
