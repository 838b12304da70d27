import type { CallError, Failure, Outcome } from "@portcullis/contracts";
import type { Arrival, Caller, Credential, Origin, Request } from "./arrival.ts";

export interface Health {
  readonly live: true;
  /** False while calls cannot be taken; `faults` says why. */
  readonly ready: boolean;
  readonly faults: readonly string[];
  /** What is not well, though calls are taken. */
  readonly warnings?: readonly string[];
  readonly version: string;
}

/** All that a transport may ask of the inside. Everything but `health` is recorded in the audit before its answer leaves. */
export interface Corridor {
  /** Never rejects: each refusal and each fault is an outcome. */
  handleCall(arrival: Arrival): Promise<Outcome>;
  /**
   * Any method but `tools.call`: `capabilities.get`, `tools.list`, `resources.list`, `resources.read`, `prompts.list`, `prompts.get`,
   * `auth.exchange`, `auth.refresh`, `manifest.get`, `prompt.get` … Never rejects.
   */
  handleMethod(request: Request): Promise<Outcome>;
  /** Records an envelope that never became a call (no JSON, unknown method, wrong parameters). */
  refuse(origin: Origin, what: string, error: CallError): Promise<Failure>;
  /** Who a credential belongs to; undefined when it is missing, unknown, expired or revoked. */
  identify(credential: Credential): Promise<Caller | undefined>;
  health(): Health;
  /** What was counted, in Prometheus' text format: nothing that anyone asked or was told. */
  metrics(): string;
}
