import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { CaselessRoot } from "./case-folding.ts";
import { compileInSteps } from "./compile-documents.ts";
import type { CompileOptions } from "./compile-scope.ts";
import { findHolding, judge, readResource } from "./decide.ts";
import type { PolicyDocument } from "./document.ts";
import { type Explanation, explain } from "./explain.ts";
import type { Fault } from "./fault.ts";
import { compileGrants, type Grant, type GrantTable, withGrants } from "./grants.ts";
import { type ParsedDocument, type PolicyText, parsePolicy } from "./parse.ts";
import { type Places, toPathSegments } from "./path-pattern.ts";
import { refuse } from "./refuse.ts";
import type { CompiledDocument } from "./scope.ts";
import { finish, type Steps } from "./steps.ts";
import { type Asked, createSubjectRules, type SubjectRules } from "./subject-rules.ts";
import type { Question, Verdict } from "./verdict.ts";
import { viewOf, viewWith } from "./view.ts";
import type { YamlFile } from "./yaml-document.ts";

/** A set of policies: immutable, without a clock, the same answer to the same question for ever. */
export interface Policy {
  /** SHA-256, in hex, of what the policies say and of the folders that their shorthands stand for; the order of rules does not change it. */
  readonly hash: string;
  readonly documents: number;
  readonly scopes: number;
  /** Judges one resource. Never throws: what cannot be judged is denied. */
  decide(question: Question): Verdict;
  /** Stands for all that decides about paths beside the path: the same object means the same verdicts. See `viewOf`. */
  view(question: Omit<Question, "resource">): object;
  /** The names of those tools that the subject, or one client of theirs, might use on something, in the given order. */
  tools(who: string | Who, tools: readonly ToolFacts[], now: number): readonly string[];
  /** The patterns that open something to a subject by a tool, and those that close it again, as written: for the owner alone. */
  patterns(
    subject: string,
    tool: string,
    now: number,
  ): { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** The subjects and tools that were asked about lately. */
  asked(): readonly Asked[];
  /** Makes ready for such questions in small steps, so that the first of each is as quick as the next. */
  prepare(asked: readonly Asked[]): Steps<void>;
  /** Every rule that was considered, for the owner: it names patterns that a caller must not learn of. */
  explain(question: Question): Explanation;
  /** The same policy with these grants of the owner's and no others; what is indexed is shared. */
  with(grants: readonly Grant[]): Policy;
}

/** One client of a subject. */
export interface Who {
  readonly subject: string;
  readonly client: string;
}

export interface ToolFacts {
  readonly name: string;
  readonly effect: "read" | "write" | "send";
}

export interface Compiled {
  /** Undefined when there is any fault. */
  readonly policy: Policy | undefined;
  readonly faults: readonly Fault[];
  /** What is odd, but changes nothing for the worse. */
  readonly warnings: readonly Fault[];
}

/** Compiles all policy files together, and tells every fault of every file. */
export function compilePolicy(sources: readonly PolicyText[], options: CompileOptions): Compiled {
  return finish(compileParsed(sources.map(parsePolicy), options));
}

/** Compiles what was parsed, in small steps between which other work can have its turn. */
export function* compileParsed(parsed: readonly YamlFile<PolicyDocument>[], options: CompileOptions): Steps<Compiled> {
  const documents = parsed.flatMap((file) => file.documents);
  const compiled = yield* compileInSteps(documents, options);
  const place = new Map(parsed.map(({ path }, index) => [path, index]));
  const faults = [...parsed.flatMap((file) => file.faults), ...compiled.faults].sort(
    (a, b) => (place.get(a.path) ?? 0) - (place.get(b.path) ?? 0) || a.line - b.line || a.column - b.column,
  );
  if (faults.length > 0) return { policy: undefined, faults, warnings: compiled.warnings };
  const hash = yield* toHash(documents, options);
  return { policy: createPolicy(compiled.documents, hash, options), faults, warnings: compiled.warnings };
}

/** The policy that denies everything: in force while there is no good one. */
export const emptyPolicy = (): Policy => createPolicy([], finish(toHash([], nowhere)), nowhere);

const nowhere: Places = { home: "", served: [] };

interface Whole {
  readonly documents: readonly CompiledDocument[];
  readonly hash: string;
  readonly caseless: readonly CaselessRoot[];
  readonly rules: SubjectRules;
}

function createPolicy(documents: readonly CompiledDocument[], hash: string, places: Places): Policy {
  const caseless = (places.caseless ?? []).flatMap((path) => {
    const segments = toPathSegments(path);
    return segments ? [segments] : [];
  });
  return toPolicy({ documents, hash, caseless, rules: createSubjectRules(documents, caseless) }, undefined);
}

function toPolicy(whole: Whole, grants: GrantTable | undefined): Policy {
  const { documents, hash, caseless, rules } = whole;
  const guarded = (question: Question, body: () => Verdict): Verdict => {
    try {
      return body();
    } catch {
      return refuse(question, "error", null);
    }
  };
  const judgeAlone = (question: Question): Verdict => {
    const found = rules.find(question.subject, question.tool);
    return found ? judge(found, question) : refuse(question, "unknown_subject", null);
  };
  const policy: Policy = {
    hash,
    documents: documents.length,
    scopes: documents.reduce((sum, { scopes }) => sum + scopes.length, 0),
    decide: (question) =>
      guarded(question, () => {
        const verdict = judgeAlone(question);
        const granted = verdict.effect === "deny" && grants?.find(question);
        if (!granted || granted.length === 0) return verdict;
        const resource = readResource(question);
        const found = rules.find(question.subject, question.tool);
        if (resource === undefined) return verdict;
        return withGrants(verdict, question, {
          resource,
          grants: granted,
          holding: found ? findHolding(found, question, resource) : [],
        });
      }),
    view: (question) => {
      const found = rules.find(question.subject, question.tool);
      const granted = grants?.find(question) ?? [];
      const alone = found ? viewOf(found, question) : granted.length > 0 ? strangers : {};
      return granted.length === 0 ? alone : viewWith(alone, granted, question);
    },
    tools: (who, tools, now) => {
      const subject = typeof who === "string" ? who : who.subject;
      return tools
        .filter(({ name, effect }) => {
          const found = rules.find(subject, name);
          if (found?.deny.all.some(({ scope }) => !(scope.expires <= now))) return false;
          if (typeof who !== "string" && grants?.names(who, name, now)) return true;
          return (
            found?.allowing.some((scope) => scope.expires > now && (effect === "read" || found.naming.has(scope))) ===
            true
          );
        })
        .map(({ name }) => name);
    },
    patterns: (subject, tool, now) => {
      const found = rules.find(subject, tool);
      const live = ({ expires }: { expires: number }): boolean => expires > now;
      const unique = (patterns: readonly string[] = []): readonly string[] => [...new Set(patterns)];
      return {
        allow: unique(found?.allowing.filter(live).flatMap(({ allow }) => allow.map(({ text }) => text))),
        deny: unique(found?.denying.filter(live).flatMap(({ deny }) => deny.map(({ text }) => text))),
      };
    },
    asked: rules.known,
    prepare: rules.prepare,
    explain: (question) => {
      const granted = grants?.of(question.subject) ?? [];
      return explain({ documents, caseless, hash, verdict: policy.decide(question), question, granted });
    },
    with: (list) => toPolicy(whole, list.length === 0 ? undefined : compileGrants(list, caseless)),
  };
  return Object.freeze(policy);
}

/** Stands for all subjects that no document names. */
const strangers = Object.freeze({});

/** The hash covers what is said, not where or in which order it stands. */
function* toHash(documents: readonly ParsedDocument[], { home, served, caseless }: Places): Steps<string> {
  const texts: string[] = [];
  for (const { value } of documents) {
    const scopes: string[] = [];
    for (const scope of value.scopes ?? []) {
      scopes.push(canonicalJson(scope));
      yield;
    }
    texts.push(canonicalJson({ ...value, ...(value.scopes && { scopes: scopes.sort() }) }));
  }
  const places = canonicalJson({
    home,
    served: served.map(({ name, path }) => `${name} ${path}`).sort(),
    ...(caseless && caseless.length > 0 && { caseless: [...caseless].sort() }),
  });
  return createHash("sha256")
    .update(JSON.stringify([texts.sort(), places]))
    .digest("hex");
}
