import type { Client } from "@modelcontextprotocol/client";
import { createGuardedFetch, type GuardedFetch } from "../../network/guarded-fetch.ts";
import { toPort } from "../../network/parse-url.ts";
import type { Marks } from "../../upstream/marks.ts";
import type { UpstreamLogin } from "../../upstream/oauth/upstream-login.ts";
import { createPinBoard, type PinBoard } from "../../upstream/pin-board.ts";
import type { Listing } from "../../upstream/pins.ts";
import type { Adapter } from "../adapter.ts";
import { createAsking } from "./asking.ts";
import { ChildTransport } from "./child-transport.ts";
import { createConnection, type Way } from "./connection.ts";
import { openHttpWay } from "./http-way.ts";
import { listPrompts, listResources, listTools, type Readable } from "./listing.ts";
import { createMounter } from "./mount.ts";
import { mountPrompts } from "./prompts.ts";
import { mountResources } from "./resources.ts";
import { createWatching } from "./watching.ts";

/** How a server is reached. */
export type McpTarget =
  | {
      readonly command: string;
      readonly args?: readonly string[];
      /** All that the child has of an environment, beside PATH and HOME. */
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
    }
  | {
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** Our own login there, where the server wants one. */
      readonly login?: UpstreamLogin;
    };

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
  /** The files that its tools and its prompts are pinned in. */
  readonly pins: { readonly tools: string; readonly prompts: string };
  readonly home: string;
  /** PATH and HOME of this server: the child finds its program by them. */
  readonly base: Readonly<Record<string, string>>;
  /** For the owner's log: scrubbed and bounded by whoever takes it. */
  tell(message: string, level?: "info"): void;
  readonly fetch?: GuardedFetch;
}

const maxMessageBytes = 4 * 1024 * 1024;
/** How long it may take to tell what it offers (ms). */
const listMs = 10_000;
/** A server over HTTP cannot say that its tools have changed: they are looked at again after this long. */
const lookEveryMs = 300_000;

/** An upstream MCP server as a source: its tools are there as they were accepted, whether or not it runs. */
export function createMcpAdapter(options: McpSourceOptions): Adapter {
  const { name, target, tell } = options;
  const { trustFirst } = options;
  const board = createPinBoard({ file: options.pins.tools, trustFirst });
  const promptBoard = createPinBoard({ file: options.pins.prompts, trustFirst });
  let readable: Readable | undefined;
  let readableVersion = 0;
  let looked = 0;
  let known: Client | undefined;

  const pin = (pins: PinBoard, listing: Listing, what: string): void => {
    const held = pins.take(listing);
    if (held.length > 0) {
      const names = held.slice(0, 10).join(", ");
      tell(`${name} has new or changed ${what}, which wait for you: ${names}. portcullis upstream show ${name}`);
    }
    if (listing.left > 0) tell(`${name} offers ${listing.left} ${what} more than are taken.`);
  };

  const look = async (client: Client, signal: AbortSignal): Promise<void> => {
    pin(board, await listTools(client, signal, listMs), "tools");
    looked = performance.now();
    // What it offers beside its tools takes none of them away.
    await lookBeside(client, signal).catch((error: Error) => {
      if (!signal.aborted)
        tell(`The prompts or resources of ${name} cannot be listed: ${error.message.slice(0, 300)}.`);
    });
  };

  const lookBeside = async (client: Client, signal: AbortSignal): Promise<void> => {
    const prompts = await listPrompts(client, signal, listMs);
    // A server without prompts gets no file of them.
    if (prompts.tools.length > 0 || promptBoard.version() !== "") pin(promptBoard, prompts, "prompts");
    const found = await listResources(client, name, { signal, timeout: listMs });
    if (JSON.stringify(found) === JSON.stringify(readable)) return;
    readable = found;
    readableVersion += 1;
  };

  const overHttp = "url" in target;
  const login = overHttp ? target.login : undefined;
  const connection = createConnection({
    name,
    open: overHttp ? httpWay(target, options) : childWay(target, options),
    async look(client, signal) {
      await look(client, signal);
      if (client !== known) await watching.renewed(client, signal);
      known = client;
    },
    updated: (uri) => watching.updated(uri),
    ...(login && { blocked: login.fault }),
    connectMs: 10_000,
    firstWaitMs: 500,
    longestWaitMs: 60_000,
    tell,
  });

  const asking = createAsking({
    ...{ name, concurrent: options.concurrent, callMs: options.callMs },
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
  const watching = createWatching(name, asking);
  const mounter = createMounter({ ...options, asking, cwd: overHttp ? undefined : target.cwd });
  const mounted = { name, asking, ...(options.marks && { marks: options.marks }) };
  const resources = mountResources({
    ...mounted,
    offered: () => readable,
    version: () => String(readableVersion),
    watch: watching.watch,
  });
  const prompts = mountPrompts({ ...mounted, accepted: promptBoard.accepted, version: promptBoard.version });

  return {
    name,
    version: () => `${board.version()} ${readableVersion}`,
    tools: () => [...mounter.mount(board.accepted()), ...resources.tools()],
    resources: () => [resources.kind],
    prompts,
    async start(signal) {
      // Nobody waits for it: its tools come when it comes.
      connection.client(signal).catch(() => {});
    },
    async stop() {
      await connection.stop();
      await login?.stop();
    },
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
      keep: true,
    });
  const { headers = {}, login } = target;
  return () => openHttpWay({ url: url.href, headers, fetch: way, ...(login && { login }) });
}
