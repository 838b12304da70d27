import type { Failure, Outcome, ToolDescription } from "@portcullis/contracts";
import type { Arrival, Caller, Credential } from "../../packages/server/src/pipeline/arrival.ts";
import type { Corridor } from "../../packages/server/src/pipeline/corridor.ts";

/** One thing that came through the corridor. */
export interface Passed {
  readonly kind: "call" | "method" | "refused";
  readonly name: string;
  readonly arrival?: Arrival;
  readonly outcome?: Outcome;
  readonly auditId: string;
}

export interface FakeCorridor extends Corridor {
  readonly passed: readonly Passed[];
  /** Tokens that are let in, with their subject. */
  readonly tokens: Map<string, string>;
  /** Tells what is watched over for a token that its login has ended. */
  endLogin(token: string): void;
  /** How much is watched over at the moment. */
  watched(): number;
}

export type FakeTool = ToolDescription & { run(args: Record<string, unknown>, arrival: Arrival): unknown };

const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

/** A tool of the fake corridor that takes texts. */
export function fakeTool(name: string, takes: readonly string[], run: FakeTool["run"]): FakeTool {
  return {
    name,
    title: name,
    summary: `The tool ${name}.`,
    safety: "Changes nothing.",
    effect: "read",
    labels: {},
    annotations: reads,
    input: {
      type: "object",
      properties: Object.fromEntries(takes.map((key) => [key, { type: "string" }])),
      required: [...takes.slice(0, 1)],
      additionalProperties: false,
    },
    output: { type: "object" },
    run,
  };
}

/** A corridor for the tests of transports: it lets known tokens in, runs its tools, and keeps all that passed. */
export function createFakeCorridor(
  tools: readonly FakeTool[],
  tokens: Record<string, string> = { secret: "duck" },
): FakeCorridor {
  const passed: Passed[] = [];
  const watched = new Set<{ readonly token: string; readonly ended: () => void }>();
  const known = new Map(Object.entries(tokens));
  const nextId = () => `A${passed.length}`;

  const identify = (credential: Credential): Caller | undefined => {
    if (credential.kind === "local") return { subject: credential.subject, owner: false, grant: "local" };
    if (credential.kind !== "token") return undefined;
    const subject = known.get(credential.token);
    return subject === undefined ? undefined : { subject, owner: false, grant: credential.token };
  };

  const fail = (code: Failure["code"], message: string, details?: Failure["details"]): Failure => ({
    ok: false,
    code,
    message,
    ...(details && { details }),
    auditId: nextId(),
  });

  const call = async (arrival: Arrival): Promise<Outcome> => {
    if (!identify(arrival.credential)) return fail("UNAUTHENTICATED", "Who are you?");
    const tool = tools.find(({ name }) => name === arrival.name);
    if (!tool) return fail("NOT_FOUND", `There is no tool named ${arrival.name}.`, { tool: arrival.name });
    const args = arrival.args as Record<string, unknown>;
    const wrong = Object.keys(args).find(
      (key) => !((tool.input as { properties: object }).properties as Record<string, object>)[key],
    );
    if (wrong !== undefined)
      return fail("VALIDATION_ERROR", `The arguments do not fit: ${wrong} is not known.`, { at: "args" });
    try {
      const auditId = nextId();
      return { ok: true, result: await tool.run(args, arrival), auditId };
    } catch (error) {
      const {
        code = "INTERNAL",
        message,
        details,
      } = error as { code?: Failure["code"]; message: string; details?: Failure["details"] };
      return fail(code, message, details);
    }
  };

  return {
    passed,
    tokens: known,
    async handleCall(arrival) {
      const outcome = await call(arrival);
      passed.push({ kind: "call", name: String(arrival.name), arrival, outcome, auditId: outcome.auditId });
      return outcome;
    },
    async handleMethod(request) {
      const auditId = nextId();
      passed.push({ kind: "method", name: request.method, auditId });
      if (!identify(request.credential)) return fail("UNAUTHENTICATED", "Who are you?");
      if (request.method === "tools.list")
        return { ok: true, result: { tools: tools.map(({ run: _, ...tool }) => tool) }, auditId };
      return {
        ok: true,
        result: { text: "Search first.\n\nTools:\n- search(query): Finds.\n- fs.stat(path): Tells." },
        auditId,
      };
    },
    async refuse(_origin, what, { code, message, details }) {
      const failure = fail(code, message, details);
      passed.push({ kind: "refused", name: what, outcome: failure, auditId: failure.auditId });
      return failure;
    },
    identify: async (credential) => identify(credential),
    sealCall: async () => undefined,
    awaitOwner: async () => false,
    watch(credential, ended) {
      const entry = { token: credential.kind === "token" ? credential.token : "", ended };
      watched.add(entry);
      return () => void watched.delete(entry);
    },
    watched: () => watched.size,
    endLogin(token) {
      for (const entry of watched) if (entry.token === token) entry.ended();
    },
    enrol: async (origin) => origin.credential,
    leave: async () => {},
    credit: () => {},
    withdraw: () => {},
    metrics: () => "portcullis_calls_total 0\n",
    health: () => ({ live: true, ready: true, faults: [], version: "0" }),
  };
}
