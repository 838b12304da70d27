import { CallError, type RequestId, type RpcRequest, type RpcResponse } from "@portcullis/contracts";
import type { Credential, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import type { ConnectionLimits } from "./limits.ts";
import { methodNames, requestFault } from "./params.ts";
import { fromCall, fromFailure, fromMethod, toResult } from "./responses.ts";

export interface ConversationOptions {
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
export interface Conversation {
  loggedIn(): boolean;
  answer(request: RpcRequest, delivery: Delivery): Promise<RpcResponse>;
  /** Records a refusal of the door's own, and answers with it. */
  refuse(id: RequestId, what: string, error: CallError): Promise<RpcResponse>;
}

interface Session {
  readonly secret: string;
  readonly subject: string;
}

export function createConversation({ corridor, limits, peer, client }: ConversationOptions): Conversation {
  let session: Session | undefined;
  const stranger: Origin = {
    door: "websocket",
    credential: { kind: "none" },
    ...(peer !== undefined && { peer }),
    ...(client && { client }),
  };
  let origin = stranger;

  const refuse: Conversation["refuse"] = async (id, what, error) =>
    fromFailure(id, await corridor.refuse(origin, what, error));

  const ask = ({ method, params }: RpcRequest) => corridor.handleMethod({ ...origin, method, params });

  const refuseForeign = (id: RequestId, method: string, { subject }: Session): Promise<RpcResponse> => {
    const message = `This connection is ${subject}'s; open another one for another subject.`;
    return refuse(id, method, new CallError("UNAUTHENTICATED", message));
  };

  /** Whether a credential is another subject's than the connection's: nothing is opened or prolonged for it here. */
  const isForeign = async (credential: Credential): Promise<boolean> => {
    const caller = session && (await corridor.identify(credential));
    return caller !== undefined && caller.subject !== session?.subject;
  };

  async function exchange(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const { token } = request.params as { readonly token: string };
    if (session && (await isForeign({ kind: "token", token }))) return refuseForeign(id, request.method, session);
    const outcome = await ask(request);
    if (!outcome.ok) return fromFailure(id, outcome);
    const opened = outcome.result as { readonly session: string; readonly subject: string };
    // Another exchange may have been answered meanwhile: the first decides whose connection this is.
    if (session && session.subject !== opened.subject) return refuseForeign(id, request.method, session);
    session = { secret: opened.session, subject: opened.subject };
    origin = { ...stranger, credential: { kind: "session", secret: opened.session } };
    return toResult(id, opened);
  }

  async function refresh(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const { session: secret } = (request.params ?? {}) as { readonly session?: string };
    if (session && secret !== undefined && (await isForeign({ kind: "session", secret }))) {
      return refuseForeign(id, request.method, session);
    }
    return fromMethod(id, await ask(request));
  }

  /** The corridor's capabilities, with the methods and limits that are the door's own. */
  async function capabilities(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const outcome = await ask(request);
    if (!outcome.ok) return fromFailure(id, outcome);
    const told = outcome.result as { readonly limits: Readonly<Record<string, number>> };
    const { maxPayload, inFlight, batch } = limits;
    return toResult(id, { ...told, methods: methodNames, limits: { ...told.limits, maxPayload, inFlight, batch } });
  }

  return {
    loggedIn: () => session !== undefined,
    refuse,
    async answer(request, { bytes, signal }) {
      const id = request.id ?? null;
      const fault = requestFault(request, session !== undefined);
      if (fault) return refuse(id, request.method, fault);
      switch (request.method) {
        case "tools.call": {
          const { name, args, trace } = request.params as { name: unknown; args: unknown; trace: unknown };
          return fromCall(id, await corridor.handleCall({ ...origin, name, args, trace, bytes, signal }));
        }
        case "health.check":
          return toResult(id, corridor.health());
        case "auth.exchange":
          return exchange(request, id);
        case "auth.refresh":
          return refresh(request, id);
        case "capabilities.get":
          return capabilities(request, id);
        default:
          return fromMethod(id, await ask(request));
      }
    },
  };
}
