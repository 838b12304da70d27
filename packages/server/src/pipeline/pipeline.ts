import type { Outcome } from "@portcullis/contracts";
import { fail, succeed } from "./answer.ts";
import type { Arrival } from "./arrival.ts";
import { authenticate } from "./authenticate.ts";
import { authorize } from "./authorize.ts";
import { confine } from "./confine.ts";
import { dispatch } from "./dispatch.ts";
import { type Facts, openFacts, toName } from "./facts.ts";
import { filter } from "./filter.ts";
import { guard } from "./guard.ts";
import { guardArguments } from "./guard-arguments.ts";
import { limit } from "./limit.ts";
import type { Parts } from "./parts.ts";
import { readTrace } from "./read-trace.ts";
import { recordIntent, recordOutcome } from "./record.ts";
import { redact } from "./redact.ts";
import { refuse } from "./refuse.ts";
import { resolve } from "./resolve.ts";
import { spend } from "./spend.ts";
import { validate } from "./validate.ts";

/** What happens to every tool call, whichever door it came through: read it from top to bottom. */
export async function handleCall(parts: Parts, arrival: Arrival): Promise<Outcome> {
  const facts = openFacts(parts, arrival, {
    kind: "call",
    name: toName(arrival.name),
    args: arrival.args,
    ...(arrival.bytes !== undefined && { bytesIn: arrival.bytes }),
  });
  try {
    return await recordOutcome(parts, facts, await pass(parts, arrival, facts));
  } catch (error) {
    return recordOutcome(parts, facts, fail(parts, facts, error));
  }
}

async function pass(parts: Parts, arrival: Arrival, facts: Facts): Promise<Outcome> {
  const caller = await authenticate(parts, arrival, "call");
  facts.caller = caller;
  const justification = readTrace(arrival);
  facts.justification = justification;
  await guard(parts, { caller, justification, arrival }, (turn) => {
    facts.turn = turn;
  });

  const call = validate(parts, arrival);
  facts.name = call.tool.name;
  facts.labels = call.tool.labels;
  const resources = await resolve(call);
  facts.resources = resources;
  await parts.consent.grants.refresh();
  facts.policy = parts.policy().hash;
  const question = { caller, call, resources, purpose: justification.purpose };
  const decision = authorize(parts, question);
  const allowed = decision.permit ? decision : await refuse(parts, facts, question, decision);
  await guardArguments(parts, call, resources);
  await limit(parts, allowed);
  const confined = await confine(parts, facts, { question, authorization: allowed, arrival });
  const authorization = await spend(parts, facts, question, allowed);
  facts.verdicts = authorization.verdicts;

  await recordIntent(parts, facts, call);
  const permit = confined.permit(authorization.permit);
  const output = await dispatch(parts, call, { caller, permit, arrival });
  const shown = filter(call, output, await confined.shown(authorization));
  await confined.carry();
  const { value, masked } = await redact(parts, call, authorization, shown);
  facts.masked = masked;
  return succeed(facts, call, { value, masked, shown, maxBytes: authorization.permit.maxBytes });
}
