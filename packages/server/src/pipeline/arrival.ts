import type { Progress } from "../adapters/adapter.ts";
import type { Narrowing } from "../identity/oauth/access.ts";

/** The transport that a call came through. */
export type Door = "websocket" | "http" | "permalink" | "mcp-http" | "mcp-sse" | "mcp-stdio" | "cli";

/** What a caller shows to say who they are. `local` is the operating system's user, who holds the data folder anyway. */
export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "session"; readonly secret: string }
  | { readonly kind: "local"; readonly subject: string };

/** From whom and where something came: what every transport knows of every message. */
export interface Origin {
  readonly door: Door;
  readonly credential: Credential;
  /** Address of the peer, as the transport saw it. */
  readonly peer?: string;
  /** What the client program calls itself (MCP's clientInfo, the User-Agent): recorded, never trusted. */
  readonly client?: { readonly name: string; readonly version?: string };
}

/** One tool call as a transport hands it in: nothing in it has been checked. */
export interface Arrival extends Origin {
  readonly name: unknown;
  readonly args: unknown;
  readonly trace: unknown;
  /** The purpose that counts when the trace names none (MCP clients): policy may refuse it. */
  readonly defaultPurpose?: string;
  /** Size of the request on the wire, in bytes. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
  progress?(progress: Progress): void;
}

/** Any other request (`tools.list`, `auth.exchange` …). */
export interface Request extends Origin {
  readonly method: string;
  readonly params: unknown;
  /** The purpose that counts when the trace in `params` names none. */
  readonly defaultPurpose?: string;
  /** Where what follows the answer goes: events, and the pieces of a resource. */
  readonly sink?: Sink;
  /** Fires when the client withdraws it. */
  readonly signal?: AbortSignal;
  /** The client takes a resource in one answer only: a larger one is refused. */
  readonly whole?: boolean;
}

/** What follows an answer. */
export interface Notification {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** One connection's way back to its client, for what comes by itself. One connection is one sink: what it holds is bounded by it. */
export interface Sink {
  /** Resolves as soon as the client takes more; rejects or never resolves when it has gone. */
  ready(): Promise<void>;
  send(notification: Notification): void;
  /** Fires when the connection has ended. */
  readonly gone: AbortSignal;
}

/** Who calls, once it has been proved. `grant` is the token's id: limits, flows and consent hang on it. */
export interface Caller {
  readonly subject: string;
  readonly owner: boolean;
  readonly grant: string;
  readonly session?: string;
  /** When what was shown ends by itself (ms since the epoch): null when it does not, undefined where nothing was shown. */
  readonly endsAt?: number | null;
  /** What the owner left open to this client of what policy allows the subject; undefined when policy alone decides. */
  readonly narrowing?: Narrowing;
  /** True for a script in a browser: it may call its tools over HTTP, and do nothing else. */
  readonly callsOnly?: true;
}
