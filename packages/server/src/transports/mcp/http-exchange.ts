import {
  type InboundModernRoute,
  type JSONRPCMessage,
  PerRequestHTTPServerTransport,
  ProtocolErrorCode,
  type TransportSendOptions,
} from "@modelcontextprotocol/server";
import type { Corridor } from "../../pipeline/corridor.ts";
import { recorded } from "./envelope.ts";
import type { Reply } from "./http-reply.ts";
import { toMessageExtra, type Visit } from "./visit.ts";

/**
 * One exchange of the stateless revision, written straight to the HTTP response. The SDK's own transport for this answers with a web
 * `Response`, whose stream has to be read again: that, with the web `Request` before it, costs more than all the rest of a call.
 */
export class HttpExchange extends PerRequestHTTPServerTransport {
  readonly #route: InboundModernRoute;
  readonly #reply: Reply;
  readonly #corridor: Corridor;
  #visit: Visit | undefined;
  #ended = false;

  constructor(corridor: Corridor, route: InboundModernRoute, reply: Reply) {
    super({ classification: route.classification });
    this.#route = route;
    this.#reply = reply;
    this.#corridor = corridor;
  }

  /** Hands the message to the server that was connected. */
  deliver(visit: Visit): void {
    this.#visit = visit;
    this.onmessage?.(this.#route.message, { ...toMessageExtra(visit), classification: this.#route.classification });
  }

  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (this.#ended) return;
    if ("method" in message) {
      if (options?.relatedRequestId !== undefined) this.#reply.tell(message);
      return;
    }
    // The one error of a handler that the specification gives a status of its own.
    const wants = "error" in message && message.error.code === ProtocolErrorCode.MissingRequiredClientCapability;
    const told =
      "error" in message && this.#visit ? await recorded(this.#corridor, this.#visit.origin, message) : message;
    this.#reply.settle(told, wants ? 400 : 200);
    await this.close();
  }

  /** Ends the exchange: a call that still runs is cancelled, as the specification says of a client that has gone. */
  override async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await super.close();
  }
}
