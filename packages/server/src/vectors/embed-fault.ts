import { CallError } from "@portcullis/contracts";

const sentences = {
  unreachable: "cannot be reached, or the connection broke off",
  timeout: "did not answer in time",
  busy: "is asked too often",
  server: "failed inside",
  refused: "refuses these requests: check its address, its key and the model's name",
  input: "does not take this text",
  answer: "answered with something that is no embedding",
} as const;

export type EmbedReason = keyof typeof sentences;

/** Why texts could not be embedded. The message holds no word of the text, the key or the endpoint's answer. */
export class EmbedFault extends Error {
  readonly reason: EmbedReason;
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: EmbedReason,
    more: { readonly detail?: string; readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    const detail = more.detail === undefined ? "" : ` (${more.detail})`;
    super(
      `The embedding endpoint ${sentences[reason]}${detail}.`,
      more.cause === undefined ? {} : { cause: more.cause },
    );
    this.name = "EmbedFault";
    this.reason = reason;
    this.retryAfterMs = more.retryAfterMs;
  }

  /** Whether it may pass by itself, without anybody changing a setting. */
  get passing(): boolean {
    return this.reason !== "refused" && this.reason !== "input";
  }
}

/** Reads an HTTP status that is none of success. */
export function fromStatus(status: number, headers: Readonly<Record<string, string>>): EmbedFault {
  const detail = `status ${status}`;
  if (status === 429 || status === 503)
    return new EmbedFault(status === 429 ? "busy" : "server", { detail, retryAfterMs: readRetryAfter(headers) });
  if (status === 408 || status === 504) return new EmbedFault("timeout", { detail });
  if (status === 400 || status === 413 || status === 422) return new EmbedFault("input", { detail });
  return new EmbedFault(status >= 500 ? "server" : "refused", { detail });
}

/** RFC 9110, 10.2.3: seconds or a date; some send milliseconds of their own beside it. */
function readRetryAfter(headers: Readonly<Record<string, string>>): number | undefined {
  const ms = Number.parseFloat(headers["retry-after-ms"] ?? "");
  if (ms >= 0) return ms;
  const text = headers["retry-after"] ?? "";
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Finds what a client library has wrapped, or puts a name to what it made of an answer. */
export function toEmbedFault(error: unknown): EmbedFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof EmbedFault) return cause;
    if (cause instanceof CallError) return fromCallError(cause);
  }
  return new EmbedFault("answer", { cause: error });
}

function fromCallError(error: CallError): EmbedFault {
  const reason = error.details?.reason;
  const detail = typeof reason === "string" ? reason : error.code;
  switch (error.code) {
    case "TIMEOUT":
      return new EmbedFault("timeout", { detail, cause: error });
    case "PERMISSION_DENIED":
    case "VALIDATION_ERROR":
      return new EmbedFault("refused", { detail, cause: error });
    case "TOO_LARGE":
      return new EmbedFault("answer", { detail, cause: error });
    default:
      return new EmbedFault("unreachable", { detail, cause: error });
  }
}
