import {
  CallError,
  codes,
  type Failure,
  isEnvelopeCode,
  isId,
  isRequest,
  type Outcome,
  type RequestId,
  type RpcRequest,
  type RpcResponse,
} from "@portcullis/contracts";
import type { WebSocket } from "ws";
import type { Credential, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { createOutbox } from "./outbox.ts";
import { paramsFault } from "./params.ts";

export interface ConnectionLimits {
  /** Items of one batch. */
  readonly batch: number;
  /** Requests that run at once; beyond, nothing more is read until one ends. */
  readonly inFlight: number;
  /** Bytes that wait to be sent; beyond, nothing more is read until the peer has taken some. */
  readonly outbound: number;
}

export interface ConnectionOptions {
  readonly corridor: Corridor;
  readonly peer?: string;
  readonly client?: { readonly name: string };
  readonly limits: ConnectionLimits;
}

/** Speaks JSON-RPC 2.0 over one WebSocket until it closes. The session that `auth.exchange` opens lives and dies with the connection. */
export function serveConnection(socket: WebSocket, { corridor, peer, client, limits }: ConnectionOptions): void {
  let session: { readonly secret: string; readonly subject: string } | undefined;
  const running = new Map<RequestId, AbortController>();
  let active = 0;
  const outbox = createOutbox(socket, limits.outbound);

  const originOf = (
    credential: Credential = session ? { kind: "session", secret: session.secret } : { kind: "none" },
  ): Origin => ({
    door: "websocket",
    credential,
    ...(peer !== undefined && { peer }),
    ...(client && { client }),
  });

  const refuse = async (id: RequestId, what: string, error: CallError): Promise<RpcResponse> =>
    toError(id, await corridor.refuse(originOf(), what, error));

  async function exchange(request: RpcRequest, id: RequestId): Promise<RpcResponse> {
    const outcome = await corridor.handleMethod({ ...originOf(), method: request.method, params: request.params });
    if (!outcome.ok) return toResult(id, outcome);
    const opened = outcome.result as { readonly session: string; readonly subject: string };
    if (session && session.subject !== opened.subject) {
      const message = `This connection is ${session.subject}'s; open another one for another subject.`;
      return refuse(id, request.method, new CallError("UNAUTHENTICATED", message));
    }
    session = { secret: opened.session, subject: opened.subject };
    return { jsonrpc: "2.0", id, result: opened };
  }

  async function call(request: RpcRequest, id: RequestId, bytes: number): Promise<RpcResponse> {
    if (!session) {
      const message = "There is no session: send auth.exchange with a token first.";
      return refuse(id, request.method, new CallError("UNAUTHENTICATED", message));
    }
    const { name, args, trace } = request.params as { name: unknown; args: unknown; trace: unknown };
    const controller = new AbortController();
    if (id !== null) running.set(id, controller);
    try {
      const outcome = await corridor.handleCall({ ...originOf(), name, args, trace, bytes, signal: controller.signal });
      return toAnswer(id, outcome);
    } finally {
      if (id !== null) running.delete(id);
    }
  }

  async function answer(request: RpcRequest, bytes: number): Promise<RpcResponse | undefined> {
    const id = request.id ?? null;
    const fault = paramsFault(request);
    if (fault) return refuse(id, request.method, fault);
    switch (request.method) {
      case "health.check":
        return { jsonrpc: "2.0", id, result: corridor.health() };
      case "auth.exchange":
        return exchange(request, id);
      case "tools.call":
        return call(request, id, bytes);
      default:
        return toResult(
          id,
          await corridor.handleMethod({ ...originOf(), method: request.method, params: request.params }),
        );
    }
  }

  /** One message of whatever shape; no answer to a notification. */
  async function handle(message: unknown, bytes: number): Promise<RpcResponse | undefined> {
    if (!isRequest(message)) {
      const id =
        typeof message === "object" && message !== null && "id" in message && isId(message.id) ? message.id : null;
      return refuse(id, "message", new CallError("INVALID_REQUEST", "This is not a JSON-RPC 2.0 request."));
    }
    if (message.id !== undefined) {
      if (message.id !== null && running.has(message.id)) {
        return refuse(
          message.id,
          message.method,
          new CallError("INVALID_REQUEST", "A request with this id is running already."),
        );
      }
      return answer(message, bytes);
    }
    if (message.method === "call.cancel") {
      const { id } = (message.params ?? {}) as { id?: unknown };
      if (isId(id)) running.get(id)?.abort();
      return undefined;
    }
    await answer(message, bytes);
    return undefined;
  }

  async function handleBatch(batch: readonly unknown[], bytes: number): Promise<readonly RpcResponse[] | RpcResponse> {
    if (batch.length === 0 || batch.length > limits.batch) {
      const message =
        batch.length === 0 ? "A batch holds at least one request." : `A batch holds at most ${limits.batch} requests.`;
      return refuse(null, "batch", new CallError("INVALID_REQUEST", message));
    }
    const answers = await Promise.all(batch.map((message) => handle(message, bytes)));
    return answers.filter((answer) => answer !== undefined);
  }

  async function receive(data: Buffer): Promise<void> {
    let message: unknown;
    try {
      message = JSON.parse(data.toString("utf8"));
    } catch {
      const error = new CallError("PARSE_ERROR", "This is not JSON.");
      return outbox.send(JSON.stringify(await refuse(null, "message", error)));
    }
    const said = Array.isArray(message) ? await handleBatch(message, data.length) : await handle(message, data.length);
    if (said !== undefined && !(Array.isArray(said) && said.length === 0)) outbox.send(JSON.stringify(said));
  }

  socket.on("message", (data: Buffer, binary: boolean) => {
    if (binary) return socket.close(1003, "Send text frames: JSON-RPC is text.");
    active++;
    if (active >= limits.inFlight) outbox.hold("inFlight");
    void receive(data)
      .catch(() => socket.terminate())
      .finally(() => {
        active--;
        if (active < limits.inFlight) outbox.release("inFlight");
      });
  });
  socket.once("close", () => {
    for (const controller of running.values()) controller.abort();
    running.clear();
  });
  // Without a listener an error of the peer's (a frame too large, no UTF-8) would end the process; ws closes the socket itself.
  socket.on("error", () => {});
}

/** A call's outcome travels whole, whatever it came to; only an envelope's fault is a JSON-RPC error. */
const toAnswer = (id: RequestId, outcome: Outcome): RpcResponse =>
  !outcome.ok && isEnvelopeCode(outcome.code) ? toError(id, outcome) : { jsonrpc: "2.0", id, result: outcome };

/** Any other method's answer travels bare. */
const toResult = (id: RequestId, outcome: Outcome): RpcResponse =>
  outcome.ok ? { jsonrpc: "2.0", id, result: outcome.result } : toAnswer(id, outcome);

const toError = (id: RequestId, { code, message, details, auditId }: Failure): RpcResponse => ({
  jsonrpc: "2.0",
  id,
  error: { code: codes[code].jsonRpc, message, data: { code, auditId, ...(details && { details }) } },
});
