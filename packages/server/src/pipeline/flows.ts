import { hash, randomBytes } from "node:crypto";
import { CallError, type Labels, type Resource } from "@portcullis/contracts";
import { type FlowVerdict, judge, judgeReads, type Step } from "../flow/judge.ts";
import { empty, type FlowState, full, join, readState, writeState } from "../flow/state.ts";
import type { FlowRecord, FlowStore } from "../stores/flow-store.ts";
import type { Caller } from "./arrival.ts";

/** A line of work: of one subject, by one token or login. */
export interface Line {
  readonly id: string;
  readonly subject: string;
  readonly grant: string;
  /** The one that calls without a handle count in: it sees all that the others see. */
  readonly sticky: string;
}

/** What a step came to, with the labels before and after it. */
export interface Passed {
  readonly verdict: FlowVerdict;
  readonly before: FlowState;
  readonly after: FlowState;
}

/** The lines of work and what they have seen. */
export interface Flows {
  /** The line of work that a call belongs to. `wanted` is a handle, or `new`; one that is not this caller's is as good as none. */
  line(caller: Caller, wanted: string | undefined, now: number): Promise<Line>;
  egressOf(caller: Caller): "open" | "closed";
  /** What sources say of resources. */
  readonly sources: Sources;
  /** Judges a step without keeping anything of it. */
  look(line: Line, step: Step, now: number): Promise<Passed>;
  /** Judges a step and keeps what it adds, in one: of two calls at the same time the second sees what the first has added. */
  take(line: Line, step: Step, now: number): Promise<Passed>;
  /** Keeps what an answer shows, if it may be shown. */
  show(line: Line, step: Step, now: number): Promise<Passed>;
  readonly store: FlowStore;
}

export interface FlowsOptions {
  readonly store: FlowStore;
  /** How long a line of work lasts after the last read of something that has a label, in ms. */
  readonly lifetimeMs: number;
  readonly egressOf: (subject: string) => "open" | "closed";
  /** Whether the owner trusts a subject's clients to keep contexts apart. */
  readonly isolated: (subject: string) => boolean;
  readonly sources: Sources;
}

export interface Sources {
  labelsOf(resource: Resource): Labels;
  /** Of every source: what a question to all of them may tell of. */
  readonly all: readonly Labels[];
}

const shape = /^flow_[\w-]{22}$/;
/** The moment of the last read is kept this exactly, in ms, so that reading again and again writes nothing. */
const grain = 60_000;
const mostKnown = 10_000;
const sweepEvery = 1_000;

const unkept = (): CallError =>
  new CallError("UNAVAILABLE", "What this answer would show cannot be kept in mind now, so it is not shown.", {
    details: { reason: "store", next: "Try again in a few seconds." },
  });

export function createFlows(options: FlowsOptions): Flows {
  const { store, lifetimeMs, egressOf, isolated, sources } = options;
  // What this process has put there and is gone was lost, and counts as everything.
  const known = new Map<string, number>();
  let kept = 0;

  const isOver = (readAt: number, now: number): boolean => now - readAt > lifetimeMs + grain;
  const stateOf = (line: Line, record: FlowRecord | undefined, step: Step, now: number): FlowState => {
    if (record) return isOver(record.readAt, now) ? empty : (readState(record.state) ?? full(step));
    const readAt = known.get(line.id);
    return readAt === undefined || isOver(readAt, now) ? empty : full(step);
  };
  const remember = (id: string, readAt: number): void => {
    if (known.size >= mostKnown) known.delete(known.keys().next().value ?? "");
    known.delete(id);
    known.set(id, readAt);
  };
  const pass = (state: FlowState, step: Step, by: typeof judge): Passed => {
    const verdict = by(state, step);
    const adds = verdict.effect === "allow" && step.held !== true;
    return { verdict, before: state, after: adds ? join(state, step.effects.reads, step) : state };
  };
  const adds = ({ effects: { reads } }: Step): boolean => reads.private.length + reads.untrusted.length > 0;

  /** Judges on what is kept now, and writes only where that changes. */
  const settle = async (line: Line, step: Step, at: { readonly now: number; readonly by: typeof judge }) => {
    const { now, by } = at;
    const record = await store.find(line.id);
    const first = pass(stateOf(line, record, step, now), step, by);
    const stale = adds(step) && step.held !== true && (record === undefined || now - record.readAt > grain);
    // What cannot be kept is not given: when the store is back, nobody would know of it.
    if (record?.unsure && first.verdict.effect === "allow" && adds(step) && step.held !== true) throw unkept();
    const lost = record === undefined ? first.before !== empty : readState(record.state) === undefined;
    if (first.after === first.before && !stale && !lost) return first;
    if (first.verdict.effect === "block" && !lost) return first;
    let settled = first;
    const write = (id: string, judged: boolean) =>
      store.change(id, (found) => {
        const own = { ...line, id };
        const state = stateOf(own, found, step, now);
        const passed = judged ? pass(state, step, by) : { before: state, after: join(state, step.effects.reads, step) };
        if ("verdict" in passed) settled = passed;
        const { subject, grant } = line;
        const openedAt = found && !isOver(found.readAt, now) ? found.openedAt : now;
        const readAt = Math.max(now, found?.readAt ?? 0);
        return { id, subject, grant, state: writeState(passed.after), openedAt, readAt };
      });
    // Who drops the handle falls back on what has seen as much.
    if (line.id !== line.sticky && first.verdict.effect === "allow") {
      await write(line.sticky, false);
      remember(line.sticky, now);
    }
    await write(line.id, true);
    remember(line.id, now);
    if (++kept % sweepEvery === 0) await store.sweep(now - lifetimeMs - 2 * grain);
    return settled;
  };

  return {
    store,
    sources,
    egressOf: ({ subject }) => egressOf(subject),
    async line({ subject, grant }, wanted, now) {
      const sticky = `flow_${hash("sha256", JSON.stringify([subject, grant]), "base64url").slice(0, 22)}`;
      const base = { subject, grant, sticky };
      if (wanted === undefined || wanted === sticky || egressOf(subject) === "open" || !isolated(subject))
        return { ...base, id: sticky };
      if (wanted === "new") {
        const id = `flow_${randomBytes(18).toString("base64url").slice(0, 22)}`;
        await store.change(id, () => ({ id, subject, grant, state: writeState(empty), openedAt: now, readAt: now }));
        return { ...base, id };
      }
      const found = shape.test(wanted) ? await store.find(wanted) : undefined;
      const own = found?.subject === subject && found.grant === grant && !isOver(found.readAt, now);
      return { ...base, id: own ? wanted : sticky };
    },
    async look(line, step, now) {
      return pass(stateOf(line, await store.find(line.id), step, now), step, judge);
    },
    take: (line, step, now) => settle(line, step, { now, by: judge }),
    show: (line, step, now) => settle(line, step, { now, by: judgeReads }),
  };
}
