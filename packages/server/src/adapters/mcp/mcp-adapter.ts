import type { Client } from "@modelcontextprotocol/client";
import { createGuardedFetch, type GuardedFetch } from "../../network/guarded-fetch.ts";
import { toPort } from "../../network/parse-url.ts";
import type { Marks } from "../../upstream/marks.ts";
import { createPinBoard } from "../../upstream/pin-board.ts";
import type { Adapter } from "../adapter.ts";
import { ChildTransport } from "./child-transport.ts";
import { createConnection, type Way } from "./connection.ts";
import { openHttpWay } from "./http-way.ts";
import { listTools } from "./listing.ts";
import { createMounter } from "./mount.ts";

/** How a server is reached. */
export type McpTarget =
  | {
      readonly command: string;
      readonly args?: readonly string[];
      /** All that the child has of an environment, beside PATH and HOME. */
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
    }
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> };

export interface McpSourceOptions {
  readonly name: string;
  readonly target: McpTarget;
  readonly marks?: Marks;
  /** Whether the tools of the first listing ever are taken as they are, or wait for the owner too. */
  readonly trustFirst: boolean;
  /** Calls that may run at once. */
  readonly concurrent: number;
  /** How long a call may take (ms). */
  readonly callMs: number;
  /** The file that its tools are pinned in. */
  readonly pins: string;
  readonly home: string;
  /** PATH and HOME of this server: the child finds its program by them. */
  readonly base: Readonly<Record<string, string>>;
  /** For the owner's log: scrubbed and bounded by whoever takes it. */
  tell(message: string, level?: "info"): void;
  readonly fetch?: GuardedFetch;
}

const maxMessageBytes = 4 * 1024 * 1024;
/** A server over HTTP cannot say that its tools have changed: they are looked at again after this long. */
const lookEveryMs = 300_000;

/** An upstream MCP server as a source: its tools are there as they were accepted, whether or not it runs. */
export function createMcpAdapter(options: McpSourceOptions): Adapter {
  const { name, target, tell } = options;
  const board = createPinBoard({ file: options.pins, trustFirst: options.trustFirst });
  let looked = 0;

  const look = async (client: Client, signal: AbortSignal): Promise<void> => {
    const listing = await listTools(client, signal, 10_000);
    looked = performance.now();
    const held = board.take(listing);
    if (held.length > 0) {
      const names = held.slice(0, 10).join(", ");
      tell(`${name} has new or changed tools, which wait for you: ${names}. portcullis upstream show ${name}`);
    }
    if (listing.left > 0) tell(`${name} offers ${listing.left} tools more than are taken.`);
  };

  const overHttp = "url" in target;
  const connection = createConnection({
    name,
    open: overHttp ? httpWay(target, options) : childWay(target, options),
    look,
    connectMs: 10_000,
    firstWaitMs: 500,
    longestWaitMs: 60_000,
    tell,
  });

  const mounter = createMounter({
    ...options,
    cwd: overHttp ? undefined : target.cwd,
    async client(signal) {
      const client = await connection.client(signal);
      if (overHttp && performance.now() - looked > lookEveryMs) {
        looked = performance.now();
        look(client, signal).catch(() => {});
      }
      return client;
    },
    drop: connection.drop,
    renew: connection.renew,
  });

  return {
    name,
    version: () => board.version(),
    tools: () => mounter.mount(board.accepted()),
    async start(signal) {
      // Nobody waits for it: its tools come when it comes.
      connection.client(signal).catch(() => {});
    },
    stop: () => connection.stop(),
  };
}

function childWay(target: Extract<McpTarget, { command: string }>, { name, base, tell }: McpSourceOptions): () => Way {
  return () =>
    new ChildTransport({
      command: target.command,
      args: target.args ?? [],
      env: { ...base, ...target.env },
      ...(target.cwd !== undefined && { cwd: target.cwd }),
      maxMessageBytes,
      complain: (line) => tell(`${name} says: ${line}`, "info"),
    });
}

function httpWay(target: Extract<McpTarget, { url: string }>, { callMs, fetch }: McpSourceOptions): () => Way {
  const url = new URL(target.url);
  const way =
    fetch ??
    createGuardedFetch({
      limits: { totalMs: callMs, bodyBytes: maxMessageBytes, redirects: 0 },
      // The owner's configuration names it, so it may be at home.
      privateHosts: [`${url.hostname}:${toPort(url)}`],
    });
  return () => openHttpWay({ url: url.href, headers: target.headers ?? {}, fetch: way });
}
