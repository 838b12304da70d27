import { type Resource, toUri } from "@portcullis/contracts";
import { compilePolicy, type Policy } from "./compile.ts";
import type { CompileOptions } from "./compile-scope.ts";
import { escapeGlob } from "./glob.ts";
import type { PolicyText } from "./parse.ts";
import { toPattern } from "./propose.ts";
import { type RecordedCall, toQuestion } from "./replay.ts";
import { type ProposedScope, toDocumentText } from "./scope-text.ts";
import { soundsSecret } from "./tally.ts";
import type { Proposal, Question, Reason } from "./verdict.ts";

/** What a suggestion opens beyond what was asked for. */
export interface Opened {
  readonly count: number;
  /** The first of them, as URIs. */
  readonly examples: readonly string[];
  /** False when not all can be known: a URL has neighbours that nobody can list, and a large folder is not read to its end. */
  readonly all: boolean;
}

export interface Offer {
  readonly scope: ProposedScope;
  /** A document of its own: it can stand at the end of any policy file. */
  readonly yaml: string;
  readonly opens: Opened;
}

/** Refused calls that one scope would allow. */
export interface Suggestion {
  readonly subject: string;
  /** How often they were refused. */
  readonly asked: number;
  /** The audit id of the last one. */
  readonly last: string;
  readonly purposes: readonly string[];
  /** Exactly what was asked for. */
  readonly exact: Offer;
  /** The folders around it; null where there is none, or nothing wider than what was asked for. */
  readonly folder: Offer | null;
}

/** What no further scope would open. */
export interface Closed {
  readonly subject: string;
  readonly tool: string;
  readonly resource: string;
  readonly reason: Reason;
  readonly asked: number;
  /** `id (file:line)` of the scope that refuses, and what would help. */
  readonly scope: string | null;
  readonly next: string;
}

export interface Suggestions {
  readonly suggestions: readonly Suggestion[];
  readonly closed: readonly Closed[];
  /** Calls that were looked at, and those of them that the policy of today allows. */
  readonly calls: number;
  readonly allowed: number;
}

export interface SuggestWorld {
  readonly policies: readonly PolicyText[];
  readonly options: CompileOptions;
  readonly now: number;
  /** Files under a folder, and whether these are all. */
  filesUnder(folder: string): { readonly files: readonly string[]; readonly all: boolean };
}

interface Wish {
  readonly question: Question;
  readonly methods: readonly string[];
  readonly purposes: readonly string[];
  asked: number;
  last: string;
}

const mostExamples = 10;

/**
 * The smallest scopes that would have allowed these calls under the policy of today: the resources themselves, and next to it their folders with what
 * those open besides. A call that is judged by what stands in the policy already (a deny, a missing purpose) is told apart: no scope helps it.
 */
export function suggest(policy: Policy, calls: readonly RecordedCall[], world: SuggestWorld): Suggestions {
  const wishes = new Map<string, Wish>();
  const closed = new Map<string, Closed & { asked: number }>();
  let allowed = 0;
  for (const call of calls) {
    const verdicts = call.resources.map((resource) => {
      const question = toQuestion(call, resource, world.now);
      return { question, verdict: policy.decide(question) };
    });
    if (verdicts.every(({ verdict }) => verdict.effect === "allow")) allowed += 1;
    for (const { question, verdict } of verdicts) {
      if (verdict.effect === "allow") continue;
      const { subject, tool, resource } = question;
      const uri = toUri(resource);
      const { proposal, reason, scope, next } = verdict;
      const key = JSON.stringify([subject, tool, uri, proposal?.scope.methods, proposal?.scope.purposes, reason]);
      if (proposal === null) {
        const known = closed.get(key);
        if (known) known.asked += 1;
        else {
          const place = scope && `${scope.id} (${scope.file}:${scope.line})`;
          closed.set(key, { subject, tool, resource: uri, reason, asked: 1, scope: place, next });
        }
        continue;
      }
      const wish = wishes.get(key) ?? { question, ...conditionsOf(proposal), asked: 0, last: call.id };
      wish.asked += 1;
      wish.last = call.id;
      wishes.set(key, wish);
    }
  }
  const suggestions = gather([...wishes.values()]).map((group) => toSuggestion(group, policy, world));
  return { suggestions, closed: [...closed.values()], calls: calls.length, allowed };
}

const conditionsOf = ({ scope }: Proposal): Pick<Wish, "methods" | "purposes"> => ({
  methods: scope.methods ?? [],
  purposes: scope.purposes ?? [],
});

/** Wishes of one subject for the same tools, with the same conditions, so that one scope can grant them. */
function gather(wishes: readonly Wish[]): readonly (readonly Wish[])[] {
  const byResource = new Map<string, Wish[]>();
  const conditions = ({ methods, purposes, question }: Wish) => [question.subject, methods, purposes];
  const put = (groups: Map<string, Wish[]>, key: string, items: readonly Wish[]): void => {
    groups.set(key, [...(groups.get(key) ?? []), ...items]);
  };
  for (const wish of wishes) put(byResource, JSON.stringify([conditions(wish), toUri(wish.question.resource)]), [wish]);
  const byTools = new Map<string, Wish[]>();
  for (const same of byResource.values()) {
    const [first] = same;
    if (first) put(byTools, JSON.stringify([conditions(first), toolsOf(same)]), same);
  }
  return [...byTools.values()];
}

const toolsOf = (wishes: readonly Wish[]): readonly string[] =>
  [...new Set(wishes.map(({ question }) => question.tool))].sort();

function toSuggestion(wishes: readonly Wish[], policy: Policy, world: SuggestWorld): Suggestion {
  const resources = wishes.map(({ question }) => question.resource);
  const tools = toolsOf(wishes);
  const [first] = wishes;
  const toScope = (allow: readonly string[]): ProposedScope => ({
    tool: tools,
    allow: [...new Set(allow)].sort(),
    ...(first && first.methods.length > 0 && { methods: first.methods }),
    ...(first && first.purposes.length > 0 && { purposes: first.purposes }),
  });
  const subject = first?.question.subject ?? "";
  const asked = new Set(resources.map(toUri));
  const toOffer = (patterns: readonly string[]): Offer => {
    const scope = toScope(patterns);
    const yaml = toDocumentText(subject, [scope]);
    return { scope, yaml, opens: whatOpens({ yaml, patterns, wishes, asked }, policy, world) };
  };
  const exact = toOffer(resources.flatMap((resource) => toPattern(resource) ?? []));
  const around = resources.flatMap((resource) => toFolderPattern(resource) ?? []);
  const wider = toScope(around).allow;
  const isWider = wider.length > 0 && JSON.stringify(wider) !== JSON.stringify(exact.scope.allow);
  return {
    subject,
    asked: wishes.reduce((sum, wish) => sum + wish.asked, 0),
    last:
      wishes
        .map((wish) => wish.last)
        .sort()
        .at(-1) ?? "",
    purposes: [...new Set(wishes.flatMap(({ question }) => question.purpose.text ?? []))].sort(),
    exact,
    folder: isWider ? toOffer(wider) : null,
  };
}

/** The pattern of the folder that a resource lies in, with all below it. */
function toFolderPattern(resource: Resource): string | undefined {
  const exact = toPattern(resource);
  if (exact === undefined || resource.kind === "index" || resource.kind === "discord") return exact;
  if (resource.kind === "url") {
    const { origin, pathname } = new URL(resource.href);
    const folder = toPattern({ ...resource, href: `${origin}${pathname.slice(0, pathname.lastIndexOf("/"))}` });
    return folder === undefined ? exact : `${folder.replace(/\/$/, "")}/**`;
  }
  if (resource.collection) return exact;
  const path = resource.kind === "path" ? resource.path : `${resource.repository}/${resource.path}`;
  const folder = path.slice(0, path.lastIndexOf("/"));
  // The whole machine is nobody's neighbourhood.
  return folder === "" ? exact : `${escapeGlob(folder)}/**`;
}

interface Asking {
  readonly yaml: string;
  readonly patterns: readonly string[];
  readonly wishes: readonly Wish[];
  /** URIs of what was asked for. */
  readonly asked: ReadonlySet<string>;
}

/** Judges every file under the patterns' folders before and after: what is open then and was not, and was not asked for. */
function whatOpens({ yaml, patterns, wishes, asked }: Asking, before: Policy, world: SuggestWorld): Opened {
  const path = "suggested.yaml";
  const after = compilePolicy([...world.policies, { path, text: yaml }], world.options).policy;
  if (!after) throw new Error(`A suggestion is no good policy:\n${yaml}`);
  const roots = patterns.flatMap((pattern) => {
    if (pattern === "@served/**") return world.options.served.map((folder) => folder.path);
    return pattern.startsWith("/") && pattern.endsWith("/**") ? [unescapeGlob(pattern.slice(0, -3))] : [];
  });
  const urls = patterns.some(
    (pattern) => !pattern.startsWith("/") && pattern !== "@served/**" && pattern.endsWith("**"),
  );
  let all = !urls;
  const found = new Set<string>();
  for (const root of new Set(roots)) {
    const under = world.filesUnder(root);
    all &&= under.all;
    for (const file of under.files) {
      const resource: Resource = { kind: "path", path: file };
      const uri = toUri(resource);
      if (asked.has(uri) || found.has(uri)) continue;
      const opens = wishes.some(({ question }) => {
        const one = { ...question, resource };
        return before.decide(one).effect === "deny" && after.decide(one).effect === "allow";
      });
      if (opens) found.add(uri);
    }
  }
  const uris = [...found].sort((a, b) => Number(soundsSecret(b)) - Number(soundsSecret(a)));
  return { count: found.size, examples: uris.slice(0, mostExamples), all };
}

const unescapeGlob = (pattern: string): string => pattern.replace(/\\(.)/g, "$1");
