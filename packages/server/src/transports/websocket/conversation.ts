import { CallError, type Outcome, type RequestId, type RpcRequest, type RpcResponse } from "@portcullis/contracts";
import type { Arrival, Credential, Origin, Sink } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import type { ConnectionLimits } from "./limits.ts";
import { methodNames, requestFault } from "./params.ts";
import { fromCall, fromFailure, fromMethod, toResult } from "./responses.ts";

export interface ConversationOptions {
  /** To be called when the login has ended. */
  readonly loggedOut?: () => void;
  /** What follows an answer goes there. */
  readonly sink?: () => Sink;
  readonly corridor: Corridor;
  readonly limits: ConnectionLimits;
  readonly peer?: string;
  readonly client?: { readonly name: string };
}

/** How one request came: its share of the message's bytes, and what withdraws it. */
export interface Delivery {
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/** The way of each request of one connection to the corridor and back. The session that `auth.exchange` opens lives and dies with it. */
export class Conversation {
  readonly #corridor: Corridor;
  readonly #limits: ConnectionLimits;
  readonly #loggedOut: () => void;
  readonly #sink: (() => Sink) | undefined;
  #unwatch: (() => void) | undefined;
  #over = false;
  #origin: Origin;
  /** Whose connection this is, from the first login on. */
  #subject: string | undefined;

  constructor({ corridor, limits, peer, client, sink, loggedOut = () => {} }: ConversationOptions) {
    this.#corridor = corridor;
    this.#limits = limits;
    this.#loggedOut = loggedOut;
    this.#sink = sink;
    this.#origin = {
      door: "websocket",
      credential: { kind: "none" },
      ...(peer !== undefined && { peer }),
      ...(client && { client }),
    };
  }

  get loggedIn(): boolean {
    return this.#subject !== undefined;
  }

  async answer(request: RpcRequest, { bytes, signal }: Delivery): Promise<RpcResponse> {
    const id = request.id ?? null;
    const fault = requestFault(request, this.loggedIn);
    if (fault) return this.refuse(id, request.method, fault);
    switch (request.method) {
      case "tools.call": {
        const { name, args, trace, progress } = request.params as Readonly<Record<string, unknown>>;
        const report = progress === true && request.id !== undefined ? this.#toProgress(id) : undefined;
        const arrival = { ...this.#origin, name, args, trace, bytes, signal, ...(report && { progress: report }) };
        return fromCall(id, await this.#corridor.handleCall(arrival));
      }
      case "health.check":
        return toResult(id, this.#corridor.health());
      case "auth.exchange":
        return this.#exchange(request, id);
      case "auth.refresh":
        return this.#refresh(request, id);
      case "capabilities.get":
        return this.#capabilities(request, id);
      default:
        return fromMethod(id, await this.#ask(request, signal));
    }
  }

  /** Records a refusal of the door's own, and answers with it. */
  async refuse(id: RequestId, what: string, error: CallError): Promise<RpcResponse> {
    return fromFailure(id, await this.#corridor.refuse(this.#origin, what, error));
  }

  #toProgress(id: RequestId): Arrival["progress"] {
    const sink = this.#sink?.();
    return sink && ((progress) => sink.send({ method: "call.progress", params: { id, ...progress } }));
  }

  #ask({ method, params }: RpcRequest, signal?: AbortSignal): Promise<Outcome> {
    const follows = method === "events.subscribe" || method === "resources.read";
    const sink = follows ? this.#sink?.() : undefined;
    return this.#corridor.handleMethod({
      ...this.#origin,
      method,
      params,
      ...(sink && { sink }),
      ...(signal && { signal }),
    });
  }

  async #exchange(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const { token } = request.params as { readonly token: string };
    if (await this.#isForeign({ kind: "token", token })) return this.#refuseForeign(request, id);
    const outcome = await this.#ask(request);
    if (!outcome.ok) return fromFailure(id, outcome);
    const opened = outcome.result as { readonly session: string; readonly subject: string };
    // Another exchange may have been answered meanwhile: the first decides whose connection this is.
    if (this.#subject !== undefined && this.#subject !== opened.subject) return this.#refuseForeign(request, id);
    this.#subject = opened.subject;
    this.#use({ kind: "session", secret: opened.session });
    return toResult(id, opened);
  }

  /** Another login replaces the one before. */
  #use(credential: Credential): void {
    const before = this.#origin.credential;
    this.#unwatch?.();
    this.#forget(before);
    this.#origin = { ...this.#origin, credential };
    if (this.#over) this.#forget(credential);
    else this.#unwatch = this.#corridor.watch(credential, this.#loggedOut);
  }

  #forget(credential: Credential): void {
    // What cannot be removed ends by itself.
    this.#corridor.leave(credential).catch(() => {});
  }

  /** To be called when the connection has ended: its session ends with it. */
  end(): void {
    this.#over = true;
    this.#unwatch?.();
    this.#forget(this.#origin.credential);
  }

  async #refresh(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const { session: secret } = (request.params ?? {}) as { readonly session?: string };
    if (secret !== undefined && (await this.#isForeign({ kind: "session", secret }))) {
      return this.#refuseForeign(request, id);
    }
    return fromMethod(id, await this.#ask(request));
  }

  /** The corridor's capabilities, with the methods and limits that are the door's own. */
  async #capabilities(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const outcome = await this.#ask(request);
    if (!outcome.ok) return fromFailure(id, outcome);
    const told = outcome.result as { readonly limits: Readonly<Record<string, number>> };
    const { maxPayload, inFlight, batch } = this.#limits;
    return toResult(id, { ...told, methods: methodNames, limits: { ...told.limits, maxPayload, inFlight, batch } });
  }

  /** Whether a credential is another subject's than the connection's: nothing is opened or prolonged for it here. */
  async #isForeign(credential: Credential): Promise<boolean> {
    if (this.#subject === undefined) return false;
    const caller = await this.#corridor.identify(credential);
    return caller !== undefined && caller.subject !== this.#subject;
  }

  #refuseForeign({ method }: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const message = `This connection is ${this.#subject}'s; open another one for another subject.`;
    return this.refuse(id, method, new CallError("UNAUTHENTICATED", message));
  }
}
