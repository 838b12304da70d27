import type { CompiledDocument } from "./scope.ts";
import { type ToolRules, toToolRules } from "./tool-rules.ts";

/** How many rules the indexes may hold together, and how many subjects are remembered: beyond that, all are made anew. */
const maxWeight = 250_000;
const maxSubjects = 4_096;

interface DocumentSet {
  readonly documents: readonly CompiledDocument[];
  readonly tools: Map<string, ToolRules>;
}

export interface SubjectRules {
  /** The rules of a subject about a tool; undefined when no document names the subject. */
  find(subject: string, tool: string): ToolRules | undefined;
}

/**
 * Finds the rules of a subject and a tool, and keeps what it found: subjects under the same documents share their indexes, which are made
 * when they are first asked for.
 */
export function createSubjectRules(documents: readonly CompiledDocument[]): SubjectRules {
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

  return {
    find: (subject, tool) => {
      let set = subjects.get(subject);
      if (set === undefined) {
        if (subjects.size >= maxSubjects) forget();
        set = setOf(subject);
        subjects.set(subject, set);
      }
      if (set.documents.length === 0) return undefined;
      let rules = set.tools.get(tool);
      if (rules === undefined) {
        rules = toToolRules(set.documents, tool);
        if (weight + rules.weight > maxWeight) forget();
        weight += rules.weight;
        set.tools.set(tool, rules);
      }
      return rules;
    },
  };
}
