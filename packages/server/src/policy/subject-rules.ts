import type { CaselessRoot } from "./case-folding.ts";
import type { CompiledDocument } from "./scope.ts";
import type { Steps } from "./steps.ts";
import { gatherToolRules, type ToolRules, toToolRules } from "./tool-rules.ts";

/** How many rules the indexes may hold together, and how many subjects are remembered: beyond that, all are made anew. */
const maxWeight = 250_000;
const maxSubjects = 4_096;

interface DocumentSet {
  readonly documents: readonly CompiledDocument[];
  readonly tools: Map<string, ToolRules>;
}

/** What was asked about: a subject with a tool. */
export interface Asked {
  readonly subject: string;
  readonly tool: string;
}

export interface SubjectRules {
  /** The rules of a subject about a tool; undefined when no document names the subject. */
  find(subject: string, tool: string): ToolRules | undefined;
  /** The pairs of subject and tool that are kept. */
  known(): readonly Asked[];
  /** Makes ready for these pairs, in small steps. */
  prepare(asked: readonly Asked[]): Steps<void>;
}

/**
 * Finds the rules of a subject and a tool, and keeps what it found: subjects under the same documents share their indexes, which are made
 * when they are first asked for.
 */
export function createSubjectRules(
  documents: readonly CompiledDocument[],
  caseless: readonly CaselessRoot[],
): SubjectRules {
  const subjects = new Map<string, DocumentSet>();
  const sets = new Map<string, DocumentSet>();
  let weight = 0;

  const setOf = (subject: string): DocumentSet => {
    const found = [...documents.entries()].filter(([, { subjects: patterns }]) =>
      patterns.some((pattern) => pattern.matches(subject)),
    );
    const key = found.map(([index]) => index).join(",");
    let set = sets.get(key);
    if (set === undefined) {
      set = { documents: found.map(([, document]) => document), tools: new Map() };
      sets.set(key, set);
    }
    return set;
  };

  const forget = (): void => {
    subjects.clear();
    sets.clear();
    weight = 0;
  };

  const knownSet = (subject: string): DocumentSet => {
    let set = subjects.get(subject);
    if (set === undefined) {
      if (subjects.size >= maxSubjects) forget();
      set = setOf(subject);
      subjects.set(subject, set);
    }
    return set;
  };

  const keep = (set: DocumentSet, tool: string, rules: ToolRules): void => {
    if (weight + rules.weight > maxWeight) forget();
    weight += rules.weight;
    set.tools.set(tool, rules);
  };

  return {
    find: (subject, tool) => {
      const set = knownSet(subject);
      if (set.documents.length === 0) return undefined;
      let rules = set.tools.get(tool);
      if (rules === undefined) {
        rules = toToolRules(set.documents, tool, caseless);
        keep(set, tool, rules);
      }
      return rules;
    },
    known: () =>
      [...subjects].flatMap(([subject, set]) => [...set.tools.keys()].map((tool): Asked => ({ subject, tool }))),
    *prepare(asked) {
      for (const { subject, tool } of asked) {
        const set = knownSet(subject);
        yield;
        if (set.documents.length === 0 || set.tools.has(tool)) continue;
        const rules = yield* gatherToolRules(set.documents, tool, caseless);
        // More would make room by dropping what was just made.
        if (weight + rules.weight > maxWeight) return;
        keep(set, tool, rules);
      }
    },
  };
}
