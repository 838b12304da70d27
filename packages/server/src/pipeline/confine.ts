import type { Labels, Resource } from "@portcullis/contracts";
import type { Permit } from "../adapters/adapter.ts";
import { judge, judgeReads, type Step } from "../flow/judge.ts";
import { empty, type FlowState, join, labelsOf, type Reads, readReads, union, writeReads } from "../flow/state.ts";
import type { Arrival } from "./arrival.ts";
import type { Authorization, Question } from "./authorize.ts";
import type { Facts } from "./facts.ts";
import { type Labelled, type Marks, toEffects, toReads, toSinks } from "./flow-effects.ts";
import { isFixed, isUpstream, markOf } from "./flow-marks.ts";
import { consented, note, refusal } from "./flow-verdict.ts";
import type { Parts } from "./parts.ts";

/** A call that its line of work allows, on its way. */
export interface Confined {
  /** The permit for the tool: what leaves by the way is judged too, and what is opened is noticed. */
  permit(permit: Permit): Permit;
  /** Judges the items of the answer, once it is there: false for one that policy hides, or that this line of work may not see. */
  shown(authorization: Authorization): Promise<Pick<Permit, "allows">>;
  /** Keeps what the answer shows, before it leaves. Throws `FLOW_BLOCKED` where it may not be shown. */
  carry(): Promise<void>;
}

export interface Confining {
  readonly question: Question;
  readonly authorization: Authorization;
  readonly arrival: Pick<Arrival, "door">;
}

const nothing: Reads = { private: [], untrusted: [] };

/**
 * Judges what a call would carry where, by the labels of all that its line of work has been given. What the call itself may give is kept before it
 * runs, and what its answer turns out to show before that leaves: so no argument can hold anything of an answer whose labels are not kept yet.
 */
export async function confine(parts: Parts, facts: Facts, confining: Confining): Promise<Confined> {
  const { question, authorization, arrival } = confining;
  const { flows } = parts;
  const { call, caller, resources } = question;
  const { tool } = call;
  const touched = resources.flatMap((resource, at) =>
    // A question to the whole index may tell of all that is in it, unless its answer tells what it is about.
    resource.kind === "index" && !tool.itemwise
      ? flows.sources.all.map((source) => ({ resource, source, scopes: [] }))
      : [
          {
            ...{ resource, source: flows.sources.labelsOf(resource) },
            scopes: authorization.verdicts[at]?.obligations.labels ?? [],
          },
        ],
  );
  const kept = await flows.store.marks();
  const effects = toEffects(call, touched, kept);
  // What is read for the way out leaves by it, whatever was seen before.
  const offered = tool.offers === true ? touched.map((one) => toReads(one, tool.labels, kept)) : undefined;
  // At the owner's own terminal no model reads the answer.
  if (arrival.door === "cli") {
    await mark(parts, question, empty);
    return { permit: (permit) => permit, shown: async ({ permit }) => permit, carry: async () => {} };
  }
  const line = await flows.line(caller, facts.justification?.trace.flow, facts.at);
  const plain: Step = {
    ...{ tool: tool.name, call: facts.id, effects, client: flows.egressOf(caller) },
    ...(offered && { refs: offered }),
  };
  const at = { line, question, facts };
  const step = await consented(parts, at, plain);
  const passed = await flows.take(line, step, facts.at);
  note(at, passed, step);
  if (passed.verdict.effect === "block") throw await refusal(parts, at, passed.verdict);
  await mark(parts, question, passed.after);
  facts.untrusted = effects.reads.untrusted;

  const seen = new Map<string, Labelled>();
  const see = (one: Labelled): void => void seen.set(markOf(one.resource), one);
  const { labels }: { readonly labels: Labels | undefined } = tool;
  // Where a call names no URL, a way out is judged when the tool asks for it.
  const elsewhere = labels?.egress === true && !resources.some(({ kind }) => kind === "url");
  // What a tool without items opens may be another file than the one that was named.
  const watches = tool.effect === "read" && tool.filter === undefined && labels?.egress !== true;
  // What it says of itself as a whole is not so of each item.
  const own: Labels = elsewhere || tool.itemwise ? {} : (labels ?? {});
  let items = nothing;

  const mayLeave = (resource: Resource, egress: boolean): boolean => {
    const sinks = toSinks(labelled(parts, authorization, resource), { ...labels, egress }, call.input);
    const out: Step = { ...step, consented: [], effects: { reads: nothing, sinks, consequence: "none" } };
    const verdict = judge(passed.before, out);
    if (verdict.effect === "block") facts.unasked = new Set([...(facts.unasked ?? []), ...verdict.sinks]);
    return verdict.effect === "allow";
  };
  // A site that is cleared may lead on to one that is not, with all that it was told.
  const redirects = labels?.egress === true && !elsewhere && effects.sinks.some(({ fixed }) => fixed !== true);
  const hosts = new Set(effects.sinks.map(({ to }) => to));
  const goesOn = (resource: Resource): boolean =>
    (resource.kind === "url" && hosts.has(new URL(resource.href).host)) || mayLeave(resource, true);

  return {
    permit(permit) {
      if (redirects) return Object.create(permit, { leaves: { value: goesOn } }) as typeof permit;
      if (!elsewhere && !watches) return permit;
      const allows = (resource: Resource): boolean => {
        if (!permit.allows(resource) || (elsewhere && resource.kind === "url" && !mayLeave(resource, false)))
          return false;
        if (watches && seen.size < most) see(labelled(parts, authorization, resource));
        return true;
      };
      return Object.create(permit, { allows: { value: allows } }) as typeof permit;
    },
    async shown(final) {
      const marks = await flows.store.marks();
      const hidden = new Set<string>();
      let state = passed.after;
      // What has been judged once stays so: what was shown adds nothing more, and more seen never allows more.
      const judged = new Map<string, boolean>();
      const maySee = (reads: Reads): boolean => {
        const text = JSON.stringify([reads.private, reads.untrusted]);
        const known = judged.get(text);
        if (known !== undefined) return known;
        const free = judgeReads(state, { ...step, effects: { ...effects, reads } }).effect === "allow";
        judged.set(text, free);
        if (!free) return false;
        state = join(state, reads, step);
        items = union(items, reads);
        return true;
      };
      return {
        allows(resource) {
          const verdict = final.judge(resource);
          if (verdict.effect === "deny") return false;
          if (tool.effect !== "read") return true;
          const one = { resource, source: flows.sources.labelsOf(resource), scopes: verdict.obligations.labels };
          if (!tool.itemwise) {
            see(one);
            return true;
          }
          const reads = toReads(one, own, marks);
          if (maySee(reads)) return true;
          facts.leftOut = hidden.add(markOf(resource)).size;
          return false;
        },
      };
    },
    async carry() {
      if (tool.effect !== "read" || labels === undefined) return;
      // Labels of what is written are kept before it is written: whatever was read, its labels are here now.
      const marks = await flows.store.marks();
      const reads = [...seen.values(), ...touched].reduce((sum, one) => union(sum, toReads(one, own, marks)), items);
      if (reads.private.length + reads.untrusted.length === 0) return;
      facts.untrusted = union(effects.reads, reads).untrusted;
      // Kept and judged already, before the tool ran.
      const known = step.effects.reads.private.length + step.effects.reads.untrusted.length > 0;
      if (known && join(passed.after, reads, step) === passed.after) return;
      const showing: Step = { ...step, effects: { reads, sinks: [], consequence: "none" } };
      const showed = await flows.show(line, showing, facts.at);
      note(at, { ...showed, before: passed.before }, step);
      if (showed.verdict.effect === "block") throw await refusal(parts, at, showed.verdict);
    },
  };
}

/** The most files that are noticed while one tool without items runs. */
const most = 10_000;

function labelled(parts: Parts, { judge: ask }: Authorization, resource: Resource): Labelled {
  const verdict = ask(resource);
  const scopes = verdict.effect === "allow" ? verdict.obligations.labels : [];
  return { resource, source: parts.flows.sources.labelsOf(resource), scopes };
}

/** What is written carries all that its line of work has seen, from before it is written on. */
async function mark(parts: Parts, { call, resources }: Question, state: FlowState): Promise<void> {
  if (call.tool.effect === "read") return;
  const { store } = parts.flows;
  const written = labelsOf(state);
  const marks: Marks = await store.marks();
  for (const resource of resources) {
    if (resource.kind === "index" || isFixed(resource)) continue;
    const key = markOf(resource);
    const kept = marks.get(key);
    const text = (found: string | undefined): string =>
      writeReads(found === undefined ? written : union(readReads(found), written));
    const isText = resource.kind === "url" && !isUpstream(resource);
    const unlabelled = written.private.length + written.untrusted.length === 0;
    if ((kept === undefined && unlabelled && !isText) || (kept !== undefined && text(kept) === kept)) continue;
    await store.mark(key, text);
  }
}
