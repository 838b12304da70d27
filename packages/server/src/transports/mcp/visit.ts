import type { AuthInfo, MessageExtraInfo, ServerContext } from "@modelcontextprotocol/server";
import type { Origin } from "../../pipeline/arrival.ts";

/** Which tools a client sees: all, or only the two that ChatGPT's connectors ask for. */
export type Profile = "full" | "chatgpt";

/** From whom one message came, and how large it was. */
export interface Visit {
  readonly origin: Origin;
  readonly bytes?: number;
}

const key = "portcullis.visit";

/** Sends a visit through the SDK beside its message: several tokens' sessions may share a connection, so it belongs to the message. */
export const toAuthInfo = (visit: Visit): AuthInfo => ({
  token: "",
  clientId: "",
  scopes: [],
  extra: { [key]: visit },
});

export const toMessageExtra = (visit: Visit): MessageExtraInfo => ({ authInfo: toAuthInfo(visit) });

/** The visit that came with an SDK's authInfo. */
export const fromAuthInfo = (authInfo: AuthInfo | undefined): Visit | undefined =>
  authInfo?.extra?.[key] as Visit | undefined;

/** The visit of the message that a handler is answering; undefined where the connection has but one. */
export const visitOf = (context: ServerContext): Visit | undefined => fromAuthInfo(context.http?.authInfo);
