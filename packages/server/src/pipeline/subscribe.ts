import { CallError, type EventSubscribe, type EventSubscribed } from "@portcullis/contracts";
import { ulid } from "ulid";
import { canonicalJson } from "../policy/canonical-json.ts";
import type { Caller, Sink } from "./arrival.ts";
import { authorize, type Question } from "./authorize.ts";
import { confine } from "./confine.ts";
import { endWith, pump } from "./deliver.ts";
import { guard } from "./guard.ts";
import { guardArguments } from "./guard-arguments.ts";
import { limit } from "./limit.ts";
import type { Asked } from "./methods.ts";
import type { Parts } from "./parts.ts";
import { type Justification, readTrace } from "./read-trace.ts";
import { recordIntent } from "./record.ts";
import { refuse } from "./refuse.ts";
import { type RegisteredTopic, toFaults } from "./registry.ts";
import { spend } from "./spend.ts";
import type { Subscription } from "./subscriptions.ts";
import { asTool } from "./topic-tool.ts";

/** Opens a subscription, or goes on with one that this caller had. It passes what a call passes; its events pass policy again, one by one. */
export async function subscribe({ parts, request, params, facts }: Asked, caller: Caller): Promise<EventSubscribed> {
  const { sink } = request;
  if (!sink) {
    throw new CallError(
      "UNAVAILABLE",
      "Events cannot follow on this door; subscribe on the WebSocket or GET /v1/events.",
      {
        details: { reason: "not_offered" },
      },
    );
  }
  const { topic: name, params: input = {}, resume, trace } = params as unknown as EventSubscribe;
  facts.args = { topic: name, params: input, ...(resume && { resume }) };
  const justification = readTrace({ trace, ...(request.defaultPurpose && { defaultPurpose: request.defaultPurpose }) });
  facts.justification = justification;
  const registered = findTopic(parts, name, input);
  const { topic } = registered;
  // What is a caller's own costs nothing of a turn: clients follow it by themselves.
  if (!topic.own) {
    await guard(parts, { caller, justification, arrival: { name, args: input } }, (turn) => {
      facts.turn = turn;
    });
  }
  facts.labels = topic.labels;
  const resources = topic.own ? [] : await topic.touches(input);
  facts.resources = resources;
  facts.policy = parts.policy().hash;
  const question: Question | undefined = topic.own
    ? undefined
    : { caller, call: asTool(topic, input), resources, purpose: justification.purpose };
  if (question) {
    if (resources.length === 0)
      throw new CallError("PERMISSION_DENIED", `${name} touches no resource, so no policy can allow it.`);
    const decision = authorize(parts, question);
    const allowed = decision.permit ? decision : await refuse(parts, facts, question, decision);
    await guardArguments(parts, question.call, resources);
    await limit(parts, allowed);
    await confine(parts, facts, { question, authorization: allowed, arrival: request });
    facts.verdicts = (await spend(parts, facts, question, allowed)).verdicts;
    await recordIntent(parts, facts, question.call);
  } else if (caller.narrowing?.has(name) === false) {
    throw new CallError("PERMISSION_DENIED", `The owner has not opened ${name} to this client.`, {
      details: { scope: null, reason: "grant", smallestScope: null },
    });
  }
  const around: Around = { caller, question, justification, sink, about: canonicalJson([name, input]) };
  const found = resume && parts.subscriptions.find(resume.subscription, caller);
  const subscription =
    found?.about === around.about && resume
      ? goOn(parts, found, resume.after)
      : await open(parts, { ...around, registered, input, after: resume?.after, request });
  attach(parts, subscription, { ...around, request });
  facts.settled = (recorded) => {
    if (recorded) return pump(parts, subscription);
    parts.subscriptions.remove(subscription);
  };
  const { cursor } = subscription.backlog;
  return { subscription: subscription.id, topic: name, after: cursor, resumed: subscription === found };
}

export async function unsubscribe({ parts, params, facts }: Asked, caller: Caller): Promise<{ subscription: string }> {
  const id = String(params.subscription).slice(0, 200);
  facts.args = { subscription: id };
  const found = parts.subscriptions.find(id, caller);
  if (!found) {
    throw new CallError("NOT_FOUND", "There is no such subscription of yours.", {
      details: { next: "A subscription ends some minutes after its connection; there is nothing left to do." },
    });
  }
  parts.subscriptions.remove(found);
  return { subscription: id };
}

interface Around {
  readonly caller: Caller;
  readonly question: Question | undefined;
  readonly justification: Justification;
  readonly sink: Sink;
  readonly about: string;
}

function findTopic(parts: Parts, name: string, input: unknown): RegisteredTopic {
  const found = parts.registry.topic(name);
  if (!found) {
    throw new CallError("NOT_FOUND", `There is no topic named ${JSON.stringify(name.slice(0, 64))}.`, {
      details: { topic: name.slice(0, 64), topics: parts.registry.topics().map(({ topic }) => topic.name) },
    });
  }
  if (!found.accepts(input)) {
    const [first] = found.accepts.errors ?? [];
    const place = `params${first?.instancePath.replaceAll("/", ".") ?? ""}`;
    throw new CallError(
      "VALIDATION_ERROR",
      `The parameters of ${name} do not fit: ${place} ${first?.message ?? "is wrong"}.`,
      {
        details: { at: "params", topic: name, errors: toFaults(found.accepts.errors) },
      },
    );
  }
  return found;
}

function goOn(parts: Parts, subscription: Subscription, after: number): Subscription {
  if (!subscription.backlog.rewind(after)) {
    throw new CallError("INVALID_PARAMS", `No event after ${subscription.backlog.last} was told yet.`, {
      details: { at: "params.resume.after", last: subscription.backlog.last },
    });
  }
  // Another connection has it still: the newer one counts.
  if (subscription.sink) {
    const error = new CallError("CANCELLED", "Another connection goes on with this subscription.");
    endWith(parts, subscription, error, "keep");
  }
  return subscription;
}

interface Opening extends Around {
  readonly registered: RegisteredTopic;
  readonly input: unknown;
  readonly after: number | undefined;
  readonly request: Asked["request"];
}

/** Numbers begin at the time, so that they are greater than all that an earlier life of the server gave. */
const ticksPerMs = 1_024;
/** What a client says that it has taken may be a clock's fault ahead, but not more. */
const dayMs = 86_400_000;

async function open(parts: Parts, opening: Opening): Promise<Subscription> {
  const { registered, input, after, caller, sink, request, question, justification, about } = opening;
  const { topic } = registered;
  const clock = parts.now() * ticksPerMs;
  if (after !== undefined && after > clock + dayMs * ticksPerMs)
    throw new CallError("INVALID_PARAMS", "No such number was ever given.", { details: { at: "params.resume.after" } });
  const base = Math.max(clock, after === undefined ? 0 : after + 1);
  parts.subscriptions.admit(caller, sink);
  const ending = new AbortController();
  const subscription: Subscription = {
    ...{ id: `sub_${ulid()}`, topic, about, ending, caller, justification, question },
    backlog: parts.subscriptions.backlog(topic, base, after),
    origin: request,
    sink: undefined,
    release: () => {},
    since: parts.now(),
    pumping: false,
  };
  parts.subscriptions.add(subscription);
  const permit = () => {
    if (!subscription.question) throw new Error(`${topic.name} is no topic that policy judges.`);
    const decision = authorize(parts, subscription.question);
    if (decision.permit) return decision.permit;
    const [{ verdict }] = decision.denied;
    throw new CallError("PERMISSION_DENIED", verdict.message);
  };
  const allowed = (happening: Parameters<typeof topic.show>[0]): boolean => {
    try {
      return topic.show(happening, topic.own ? () => true : permit().allows) !== undefined;
    } catch {
      return false;
    }
  };
  try {
    await topic.open(input, {
      ...{ caller, permit, signal: ending.signal },
      tell(happening) {
        if (ending.signal.aborted || !allowed(happening)) return;
        subscription.backlog.offer(happening);
        pump(parts, subscription);
      },
      lost() {
        if (ending.signal.aborted) return;
        subscription.backlog.lose();
        pump(parts, subscription);
      },
      fail: (error) => endWith(parts, subscription, error, "remove"),
    });
  } catch (error) {
    parts.subscriptions.remove(subscription);
    throw error;
  }
  return subscription;
}

/** Gives a subscription a reader, until its connection or its login ends. */
function attach(
  parts: Parts,
  subscription: Subscription,
  { caller, question, justification, sink, request }: Around & { readonly request: Asked["request"] },
): void {
  const { door, credential, peer, client } = request;
  subscription.origin = { door, credential, ...(peer && { peer }), ...(client && { client }) };
  Object.assign(subscription, { caller, question, justification, sink });
  const gone = (): void => parts.subscriptions.detach(subscription);
  sink.gone.addEventListener("abort", gone, { once: true });
  const unwatch = parts.vigil.watch(credential, () =>
    endWith(parts, subscription, new CallError("UNAUTHENTICATED", "The token or session has ended."), "keep"),
  );
  subscription.release = () => {
    sink.gone.removeEventListener("abort", gone);
    unwatch();
    subscription.release = () => {};
  };
  if (sink.gone.aborted) gone();
}
