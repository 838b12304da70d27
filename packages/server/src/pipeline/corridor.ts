import type { CallError, Failure, Outcome } from "@portcullis/contracts";
import type { Arrival, Caller, Credential, Origin, Request, Sink } from "./arrival.ts";

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
  /** Seals that this caller made this call and was told of this consent request, for clients that carry it back; undefined without a caller. */
  sealCall(arrival: Arrival, request: string): Promise<string | undefined>;
  /** Waits for the owner's answer to the request of a sealed state; false when it is not of this caller and this exact call. It grants nothing. */
  awaitOwner(arrival: Arrival, sealed: { readonly state: string; readonly waitMs: number }): Promise<boolean>;
  /**
   * Calls `ended` once, within a second after a credential has ended or was revoked, by whichever process: for connections and streams that
   * stay open. The answer ends the watch.
   */
  watch(credential: Credential, ended: () => void): () => void;
  /** Lists what a caller keeps open among the owner's sessions; the credential is to be watched, and left. */
  enrol(origin: Origin, caller: Caller): Promise<Credential>;
  /** Ends the session of a credential that its client can use no more. */
  leave(credential: Credential): Promise<void>;
  /** Lets a resource's stream of this connection go on for so many chunks. What is no stream of it is passed over. */
  credit(streamId: string, sink: Sink, chunks: number): void;
  /** Ends a resource's stream of this connection. */
  withdraw(streamId: string, sink: Sink): void;
  health(): Health;
  /** What was counted, in Prometheus' text format: nothing that anyone asked or was told. */
  metrics(): string;
}
