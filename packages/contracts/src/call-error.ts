import type { Code } from "./codes.ts";

/** Machine-readable facts of a refusal; which keys a code carries is told in docs/errors.md. */
export type Details = Readonly<Record<string, unknown>>;

/**
 * A refusal that a caller may read: `message` and `details` leave the server (scrubbed), `cause` never does.
 * Anything else that is thrown becomes `INTERNAL`.
 */
export class CallError extends Error {
  readonly code: Code;
  readonly details: Details | undefined;

  constructor(code: Code, message: string, options: { cause?: unknown; details?: Details } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CallError";
    this.code = code;
    this.details = options.details;
  }
}
