import { CallError, type Failure, type Outcome } from "@portcullis/contracts";
import { enrol, leave } from "../identity/sessions.ts";
import { EngineAway } from "../stores/engine.ts";
import { fail, unavailable } from "./answer.ts";
import type { Arrival, Credential, Origin, Request } from "./arrival.ts";
import { awaitOwner, sealCall } from "./ask-again.ts";
import { authenticate, identify } from "./authenticate.ts";
import type { Corridor } from "./corridor.ts";
import { openFacts, toName } from "./facts.ts";
import { methods } from "./methods.ts";
import { metricsText } from "./metrics.ts";
import type { Parts } from "./parts.ts";
import { handleCall } from "./pipeline.ts";
import { recordOutcome } from "./record.ts";

/** The corridor over its parts: what the transports are given. */
export function createCorridor(parts: Parts): Corridor {
  return {
    handleCall: (arrival) => handleCall(parts, arrival),
    handleMethod: (request) =>
      parts.registry.find(request.method)?.tool.method
        ? handleCall(parts, toArrival(request))
        : handleMethod(parts, request),
    refuse: (origin, what, error) => refuse(parts, { origin, what, error }),
    identify: (credential) =>
      identify(parts, credential).then(
        // Who may only call tools keeps nothing open.
        (caller) => (caller?.callsOnly ? undefined : caller),
        (error) => {
          throw error instanceof EngineAway ? unavailable() : error;
        },
      ),
    sealCall: (arrival, request) => sealCall(parts, arrival, request),
    awaitOwner: (arrival, sealed) => awaitOwner(parts, arrival, sealed),
    watch: (credential, ended) => parts.vigil.watch(credential, ended),
    async enrol({ door, client }, caller) {
      const secret = await enrol(parts, caller, { door, client: client?.name ?? "", now: parts.now() });
      return { kind: "session", secret };
    },
    async leave(credential) {
      if (credential.kind !== "session") return;
      await leave(parts, credential.secret);
      parts.vigil.recheck();
    },
    credit: (id, sink, chunks) => void parts.streams.credit(id, sink, chunks),
    withdraw: (id, sink) => void parts.streams.cancel(id, sink),
    metrics: () => metricsText(parts),
    health() {
      const fault = parts.audit.fault();
      const faults = [...(fault === undefined ? [] : [`The audit cannot be written: ${fault}`]), ...parts.faults()];
      const warnings = parts.warnings();
      return {
        live: true,
        ready: faults.length === 0,
        faults,
        ...(warnings.length > 0 && { warnings }),
        version: parts.version,
      };
    },
  };
}

/** What is called by a method of its own is a call like any other. */
function toArrival({ method, params, sink: _, whole: __, ...origin }: Request): Arrival {
  if (typeof params !== "object" || params === null || Array.isArray(params))
    return { ...origin, name: method, args: params, trace: undefined };
  const { trace, ...args } = params as Readonly<Record<string, unknown>>;
  return { ...origin, name: method, args, trace };
}

async function handleMethod(parts: Parts, request: Request): Promise<Outcome> {
  const facts = openFacts(parts, request, { kind: "method", name: toName(request.method) });
  try {
    const method = methods.get(request.method);
    if (!method) throw new CallError("METHOD_NOT_FOUND", `There is no method ${JSON.stringify(facts.name)}.`);
    const params = toParams(request.params);
    const asked = { parts, request, params, facts };
    await parts.consent.grants.refresh();
    let answer: unknown;
    if (method.open) {
      facts.caller = await identify(parts, credentialOf(request, params));
      answer = await method.answer(asked);
    } else {
      facts.caller = await authenticate(parts, request, "method");
      answer = await method.answer(asked, facts.caller);
    }
    // A login's answer is the secret that the caller asked for; everything else that leaves is scrubbed.
    if (!request.method.startsWith("auth.")) {
      const scrubbed = parts.redactor.scrub(answer);
      facts.masked = scrubbed.masked;
      answer = scrubbed.value;
    }
    const outcome = await recordOutcome(parts, facts, { ok: true, result: answer, auditId: facts.id });
    // Not before the door has sent the answer.
    setImmediate(() => facts.settled?.(outcome.ok));
    return outcome;
  } catch (error) {
    facts.settled?.(false);
    return recordOutcome(parts, facts, fail(parts, facts, error));
  }
}

/** A login is on record as its token's, though it came with no session. */
const credentialOf = (request: Request, params: Readonly<Record<string, unknown>>): Credential =>
  request.method === "auth.exchange" && typeof params.token === "string"
    ? { kind: "token", token: params.token }
    : request.credential;

function toParams(params: unknown): Readonly<Record<string, unknown>> {
  if (params === undefined) return {};
  if (typeof params === "object" && params !== null && !Array.isArray(params)) return params as Record<string, unknown>;
  throw new CallError("INVALID_PARAMS", "The parameters must be an object.");
}

interface Refusal {
  readonly origin: Origin;
  readonly what: string;
  readonly error: CallError;
}

async function refuse(parts: Parts, { origin, what, error }: Refusal): Promise<Failure> {
  const facts = openFacts(parts, origin, { kind: "refused", name: toName(what) });
  facts.caller = await identify(parts, origin.credential).catch(() => undefined);
  const outcome = await recordOutcome(parts, facts, fail(parts, facts, error));
  if (outcome.ok) throw new Error("A refusal was recorded as a success.");
  return outcome;
}
