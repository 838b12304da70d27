import type { IncomingMessage, ServerResponse } from "node:http";
import type { Origin } from "../../../pipeline/arrival.ts";

/** A login that waits for the owner's answer. */
export interface PendingLogin {
  readonly uid: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    /** The host that vouches for the client; undefined for one that registered itself and may call itself what it likes. */
    readonly host: string | undefined;
    /** Where the code goes. */
    readonly redirect: string;
  };
  readonly scopes: readonly string[];
}

export interface Approval {
  readonly name: string;
  readonly subject: string;
  readonly tools: readonly string[];
  readonly scopes: readonly string[];
  /** Milliseconds; null for until it is withdrawn. */
  readonly lifetime: number | null;
}

/** What the pages ask of the authorization server. */
export interface Authorization {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  register(
    request: IncomingMessage,
    response: ServerResponse,
    registration: { readonly peer: string; readonly body: unknown },
  ): Promise<void>;
  /** The login that this browser began under that id; undefined when there is none or it took too long. */
  pending(request: IncomingMessage, response: ServerResponse, uid: string): Promise<PendingLogin | undefined>;
  /** Both resolve to the path that the browser goes on to. */
  approve(request: IncomingMessage, response: ServerResponse, approval: Approval): Promise<string>;
  refuse(request: IncomingMessage, response: ServerResponse): Promise<string>;
}

/** One tool that policy might let a subject use, and on what, in the policy's own patterns. */
export interface ToolReach {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  /** The scope that a client has to have asked for. */
  readonly scope: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What the owner is told of a subject before a client may act as it. */
export interface Reach {
  readonly tools: readonly ToolReach[];
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  /** Subjects that tokens act as. */
  readonly subjects: readonly string[];
}

/** The owner's answer, for the audit. */
export interface Decision {
  readonly answer: "allow" | "refuse";
  readonly client: string;
  /** What the client calls itself. */
  readonly name: string;
  readonly redirect: string;
  readonly subject?: string;
  readonly tools?: readonly string[];
  readonly lifetime?: string;
}

export interface OwnerDesk {
  readonly authorization: Authorization;
  readonly reach: (subject: string) => Promise<Reach>;
  /** Records the answer before it takes effect; rejects when it cannot be recorded. */
  readonly record: (origin: Origin, decision: Decision) => Promise<void>;
}
