import { type Resource, toUri } from "@portcullis/contracts";
import { answerOf, decidersOf } from "./answer.ts";
import type { Policy, ToolFacts } from "./compile.ts";
import { createReach, type RuleText } from "./rule-diff.ts";
import { createTally, type Tally } from "./tally.ts";
import type { Purpose, Question } from "./verdict.ts";

/** A tool, and what kinds of resources it touches: "any" where that cannot be told without its source. */
export interface SampleTool extends ToolFacts {
  readonly touches: "urls" | "files" | "any";
}

/** What two policies are asked. */
export interface Sample {
  readonly subjects: readonly string[];
  readonly tools: readonly SampleTool[];
  readonly resources: readonly Resource[];
  /** How often the audit holds a call of this subject and tool on this URI. */
  asked(subject: string, tool: string, uri: string): number;
  readonly now: number;
}

export interface Sampled {
  readonly tally: Tally;
  /** How many questions there are. Those that no changed rule is about are answered alike and not asked. */
  readonly questions: number;
}

/** Rules of both policies: all of them, and those in which they differ. */
export interface ComparedRules {
  readonly all: readonly RuleText[];
  readonly changed: readonly RuleText[];
}

/** Asks both policies about every tool on every resource for every subject, with each method and purpose that their rules know. */
export function compare(before: Policy, after: Policy, { all, changed }: ComparedRules, sample: Sample): Sampled {
  const reaches = createReach(changed);
  const purposes = toPurposes(all);
  const methods = [...new Set(all.flatMap((rule) => rule.methods))];
  const resources = sample.resources.flatMap((resource) => [
    resource,
    ...(resource.kind === "url" ? methods.map((method) => ({ ...resource, method })) : []),
  ]);
  const named = resources.map((resource) => ({ resource, uri: toUri(resource) }));
  const tally = createTally();
  let questions = 0;
  for (const subject of sample.subjects) {
    for (const { name, effect, touches } of sample.tools) {
      const isMeant = ({ kind }: Resource): boolean => touches === "any" || (kind === "url") === (touches === "urls");
      const asking = reaches(subject, name);
      for (const { resource, uri } of named) {
        if (!isMeant(resource)) continue;
        questions += 1;
        if (!asking) continue;
        const told = (purpose: Purpose): boolean => {
          const question: Question = { subject, tool: name, effect, resource, purpose, now: sample.now };
          const [old, now] = [before.decide(question), after.decide(question)];
          const [from, to] = [answerOf(old), answerOf(now)];
          if (from === to) return false;
          const deciders = decidersOf(now);
          const scopes = deciders.length > 0 ? deciders : decidersOf(old);
          tally.add({ subject, tool: name, resource: uri, from, to, scopes, asked: sample.asked(subject, name, uri) });
          return true;
        };
        // One purpose for which they differ is enough to tell.
        purposes.some(told);
      }
    }
  }
  return { tally, questions };
}

const mostPurposes = 50;

/** One stated purpose does where no rule looks at purposes. */
function toPurposes(rules: readonly RuleText[]): readonly Purpose[] {
  const plain: Purpose = { text: "policy diff", stated: true };
  if (!rules.some(({ conditions }) => conditions.includes("purpose"))) return [plain];
  const served = [...new Set(rules.flatMap(({ purposes }) => purposes))].slice(0, mostPurposes);
  return [
    plain,
    ...served.map((text) => ({ text: toName(text), stated: true })),
    { text: "policy diff", stated: false },
    { stated: false },
  ];
}

/** A name that a pattern of names matches. */
export const toName = (pattern: string): string =>
  pattern.replace(/\\(.)|\*+|\?/g, (_, literal: string | undefined) => literal ?? "x");
