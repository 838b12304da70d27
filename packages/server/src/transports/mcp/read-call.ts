import {
  type CallToolRequest,
  CLIENT_INFO_META_KEY,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Arrival } from "../../pipeline/arrival.ts";
import { purposeArgument } from "./describe-tool.ts";
import { fromMcpName } from "./tool-names.ts";
import type { Profile, Visit } from "./visit.ts";

/** Keys of a request's `_meta` that carry the caller's justification, for clients that can set them. */
const justificationKeys = {
  purpose: "portcullis/purpose",
  turn: "portcullis/turn",
  parent: "portcullis/parent",
  consent: "portcullis/consent",
  flow: "portcullis/flow",
  traceparent: "portcullis/traceparent",
} as const;

export interface CallContext {
  readonly server: Server;
  readonly context: ServerContext;
  readonly visit: Visit;
  readonly profile: Profile;
}

type Client = NonNullable<Arrival["client"]>;

/** What the client calls itself: told with each request since 2026-07-28, at the handshake before. */
export function clientOf({ server, context }: Pick<CallContext, "server" | "context">): Client | undefined {
  const envelope: Readonly<Record<string, unknown>> | undefined = context.mcpReq.envelope;
  const told = envelope?.[CLIENT_INFO_META_KEY] as Client | undefined;
  const { name, version } = told ?? server.getClientVersion() ?? {};
  return typeof name === "string" ? { name, ...(version !== undefined && { version }) } : undefined;
}

/** Turns a `tools/call` into an arrival; nothing in it is checked here. */
export function toArrival(params: CallToolRequest["params"], at: CallContext): Arrival {
  const { context, visit, profile } = at;
  const client = clientOf(at);
  const { [purposeArgument]: purpose, ...rest } = params.arguments ?? {};
  // ChatGPT's tools take no purpose: what it sends under that name is a wrong argument like any other.
  const takesPurpose = profile === "full";
  const trace = readTrace(context.mcpReq._meta, takesPurpose ? purpose : undefined);
  const report = toProgress(context);
  return {
    ...visit.origin,
    ...(client && { client }),
    name: fromMcpName(params.name),
    args: takesPurpose ? rest : (params.arguments ?? {}),
    trace,
    defaultPurpose: `use by ${client?.name.slice(0, 200) || "an unnamed MCP client"}`,
    ...(visit.bytes !== undefined && { bytes: visit.bytes }),
    signal: context.mcpReq.signal,
    ...(report && { progress: report }),
  };
}

/** The caller's justification as a request's `_meta` has it, and an argument's purpose before that. */
export function readTrace(
  meta: Readonly<Record<string, unknown>> | undefined,
  purpose?: unknown,
): Record<string, unknown> {
  const trace: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(justificationKeys)) {
    const value = meta?.[key];
    if (value !== undefined) trace[name] = value;
  }
  if (purpose !== undefined) trace.purpose = purpose;
  return trace;
}

/** Passes progress on to a client that asked for it; the protocol wants every value to be larger than the one before. */
function toProgress(context: ServerContext): Arrival["progress"] {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let last = Number.NEGATIVE_INFINITY;
  return ({ done, total, message }) => {
    if (done <= last) return;
    last = done;
    const params = {
      progressToken,
      progress: done,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    };
    // The client may be gone; the call's own answer tells.
    context.mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  };
}
