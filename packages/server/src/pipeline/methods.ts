import { CallError, codes } from "@portcullis/contracts";
import { exchange, type Opening, refresh } from "../identity/sessions.ts";
import type { Caller, Request } from "./arrival.ts";
import { consentMethods } from "./consent-methods.ts";
import { consoleMethods } from "./console-methods.ts";
import { listTools, toPrompt } from "./describe.ts";
import type { Facts } from "./facts.ts";
import { listPrompts } from "./list-prompts.ts";
import { note } from "./note.ts";
import type { Parts } from "./parts.ts";
import { listResources, readResource } from "./read-resource.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";

/** What a method is answered from. */
export interface Asked {
  readonly parts: Parts;
  readonly request: Request;
  readonly params: Readonly<Record<string, unknown>>;
  /** What the method's own record will say. */
  readonly facts: Facts;
}

interface Open {
  readonly open: true;
  answer(asked: Asked): unknown;
}
interface Guarded {
  readonly open: false;
  answer(asked: Asked, caller: Caller): unknown;
}
export type Method = Open | Guarded;

const open = (answer: Open["answer"]): Open => ({ open: true, answer });
const guarded = (answer: Guarded["answer"]): Guarded => ({ open: false, answer });

const absent = (what: string): Guarded =>
  guarded(() => {
    throw new CallError("UNAVAILABLE", `This server offers no ${what}; capabilities.get says what it offers.`, {
      details: { reason: "not_offered" },
    });
  });

const text = (value: unknown, name: string): string => {
  if (typeof value === "string" && value !== "" && value.length <= 4_096) return value;
  throw new CallError("INVALID_PARAMS", `The parameter ${name} must be a text.`, { details: { at: name } });
};

/** Every method but `tools.call`. `open` ones answer before anyone has shown a token. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["capabilities.get", open(({ parts }) => capabilities(parts))],
  [
    "auth.exchange",
    open(({ parts, request, params }) => exchange(parts, text(params.token, "token"), at(parts, request))),
  ],
  ["auth.pair", open(pair)],
  ["auth.refresh", guarded(({ parts, request, params }) => refresh(parts, sessionOf(request, params), parts.now()))],
  ["tools.list", guarded(({ parts }, caller) => ({ tools: listTools(parts, caller) }))],
  [
    "prompt.get",
    guarded(({ parts }, caller) => ({ subject: caller.subject, text: toPrompt(listTools(parts, caller)) })),
  ],
  ["manifest.get", guarded(({ parts }, caller) => manifest(parts, caller))],
  ["audit.note", guarded(note)],
  ["resources.list", guarded(listResources)],
  ["resources.read", guarded(readResource)],
  ["prompts.list", guarded(listPrompts)],
  ["prompts.get", absent("prompts")],
  ["sampling.create", absent("model")],
  ["events.subscribe", guarded(subscribe)],
  ["events.unsubscribe", guarded(unsubscribe)],
  ...Object.entries(consentMethods).map(([name, answer]) => [name, guarded(answer)] as const),
  ...Object.entries(consoleMethods).map(([name, answer]) => [name, guarded(ofOwner(answer))] as const),
]);

/** Not by a script, nor by a client that the owner has let in with less than everything. */
function ofOwner(answer: Guarded["answer"]): Guarded["answer"] {
  return (asked, caller) => {
    if (caller.owner && !caller.narrowing) return answer(asked, caller);
    throw new CallError("PERMISSION_DENIED", "Only the owner sees the console.", {
      details: { scope: null, reason: "not_owner" },
    });
  };
}

async function pair({ parts, params, facts }: Asked): Promise<unknown> {
  const { grant, ...paired } = await parts.pair({
    ...{ code: text(params.code, "code"), key: text(params.key, "key"), now: parts.now() },
  });
  facts.caller = { subject: paired.subject, owner: false, grant };
  return paired;
}

const at = (parts: Parts, { door, client }: Request): Opening => ({
  door,
  client: client?.name ?? "",
  now: parts.now(),
});

function sessionOf(request: Request, params: Readonly<Record<string, unknown>>): string {
  if (typeof params.session === "string") return params.session;
  if (request.credential.kind === "session") return request.credential.secret;
  throw new CallError("UNAUTHENTICATED", "There is no session to refresh; send auth.exchange first.");
}

function capabilities(parts: Parts): unknown {
  const { turnCalls, turnCeiling, callMs, concurrentCalls, maxBytes } = parts.limits;
  return {
    server: { name: "portcullis", version: parts.version },
    protocol: "portcullis.v1",
    mcp: ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
    tools: true,
    resources: true,
    prompts: parts.registry.find("prompts.get") !== undefined,
    sampling: parts.registry.find("sampling.create") !== undefined,
    events: true,
    topics: parts.registry.topics().map(({ topic }) => topic.name),
    limits: {
      turnCalls,
      turnCeiling,
      callMs,
      concurrentCalls,
      maxBytes,
      subscriptions: parts.subscriptions.limits.perConnection,
    },
    methods: [...methods.keys(), "tools.call", "health.check"].filter((name) => !name.startsWith("console.")).sort(),
    codes: Object.keys(codes),
  };
}

function manifest(parts: Parts, caller: Caller): unknown {
  const tools = listTools(parts, caller);
  return {
    name: "portcullis",
    version: parts.version,
    protocol: "portcullis.v1",
    subject: caller.subject,
    endpoints: {
      websocket: "/v1/connector",
      call: "/v1/tools/call",
      mcp: "/mcp",
      sse: "/sse/",
      openapi: "/openapi.json",
      prompt: "/v1/prompt",
    },
    tools,
  };
}
