import { type Resource, toUri } from "@portcullis/contracts";
import { compare, toName } from "../policy/compare.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { RecordedCall } from "../policy/replay.ts";
import { diffRules, groupRules, type RuleGroup, type RuleText, toEffects, toRuleTexts } from "../policy/rule-diff.ts";
import type { Changes } from "../policy/tally.ts";
import type { PolicySource } from "../stores/store.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { readCalls, sampleTools } from "./policy-audit.ts";
import { toChangeLines, toLimit } from "./policy-changes.ts";
import { walkFiles } from "./policy-files.ts";
import { compileSet, openWorld, readSet } from "./policy-set.ts";
import { toSince } from "./since.ts";

const mostFiles = 200_000;

interface DiffReport {
  readonly same: boolean;
  readonly rules: { readonly wider: readonly RuleGroup[]; readonly narrower: readonly RuleGroup[] };
  readonly sample: {
    readonly subjects: number;
    readonly tools: number;
    readonly resources: number;
    readonly questions: number;
    /** False when a folder held more files than are asked about. */
    readonly all: boolean;
  };
  readonly wider: Changes;
  readonly narrower: Changes;
}

/** `policy diff OLD [NEW]`: what becomes allowed and what denied, by the rules and by a sample of questions. */
export async function diffPolicies(invocation: Invocation): Promise<Exit> {
  const [, old, next] = invocation.positionals;
  if (!old)
    throw new CommandError(
      exits.usage,
      "policy diff needs the old policies: a folder, a file or a git revision. The new ones are those of the data folder, or named too.",
      "portcullis policy diff HEAD",
    );
  const most = toLimit(invocation);
  const world = await openWorld(invocation);
  const [before, after] = [await readSet(world, old), await readSet(world, next)];
  const [oldPolicy, newPolicy] = [compileSet(before, world), compileSet(after, world)];
  const [oldRules, newRules] = [rulesOf(before), rulesOf(after)];
  const difference = diffRules(oldRules, newRules);
  const effects = toEffects(difference, oldRules, newRules);
  const changed = [...difference.added, ...difference.removed];

  const now = Date.now();
  const since = text(invocation.values, "since");
  const calls = await callsOf(invocation, since === undefined ? 0 : toSince(since, now));
  const walked = world.served.map((folder) => walkFiles(folder, mostFiles));
  const resources = toResources(
    calls,
    walked.flatMap(({ files }) => files),
  );
  const asked = toCounts(calls);
  const sample = {
    subjects: toSubjects(calls, [...oldRules, ...newRules]),
    tools: sampleTools(),
    resources,
    asked: (subject: string, tool: string, uri: string) => asked.get(`${subject} ${tool} ${uri}`) ?? 0,
    now,
  };
  const { tally, questions } = compare(oldPolicy, newPolicy, { all: [...oldRules, ...newRules], changed }, sample);
  const report: DiffReport = {
    same: changed.length === 0,
    rules: { wider: groupRules(effects.wider), narrower: groupRules(effects.narrower) },
    sample: {
      subjects: sample.subjects.length,
      tools: sample.tools.length,
      resources: resources.length,
      questions,
      all: walked.every(({ all }) => all),
    },
    wider: tally.wider(most),
    narrower: tally.narrower(most),
  };
  print(invocation.output, report, toText(report));
  return report.same ? exits.ok : exits.no;
}

const rulesOf = (sources: readonly PolicySource[]): readonly RuleText[] =>
  toRuleTexts(sources.flatMap((source) => parsePolicy(source).documents));

/** A data folder without an audit, as on a machine that only checks policies, has no calls. */
async function callsOf({ data }: Invocation, since: number): Promise<readonly RecordedCall[]> {
  try {
    return (await readCalls(data, since)).calls;
  } catch (error) {
    if (error instanceof CommandError && error.exit === exits.noInput) return [];
    throw error;
  }
}

function toResources(calls: readonly RecordedCall[], files: readonly string[]): readonly Resource[] {
  const resources = new Map<string, Resource>([["index", { kind: "index", name: "served", collection: true }]]);
  for (const path of files) resources.set(path, { kind: "path", path });
  for (const resource of calls.flatMap((call) => call.resources)) {
    const key = resource.kind === "path" && !resource.collection ? resource.path : JSON.stringify(resource);
    if (resource.kind !== "index") resources.set(key, resource);
  }
  return [...resources.values()];
}

function toCounts(calls: readonly RecordedCall[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { subject, tool, resources } of calls) {
    for (const resource of resources) {
      const key = `${subject} ${tool} ${toUri(resource)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

/** Who called, and one of each kind that a rule names. */
const toSubjects = (calls: readonly RecordedCall[], rules: readonly RuleText[]): readonly string[] =>
  [...new Set([...calls.map(({ subject }) => subject), ...rules.map(({ subject }) => toName(subject))])].sort();

function toText(report: DiffReport): string {
  if (report.same) return "The policies say the same.";
  const { subjects, tools, resources, questions, all } = report.sample;
  const sign = { wider: { allow: "+", deny: "-" }, narrower: { allow: "-", deny: "+" } } as const;
  const section = (way: "wider" | "narrower"): readonly string[] => {
    const rules = report.rules[way];
    if (rules.length === 0 && report[way].count === 0) return [];
    const head = way === "wider" ? "!! WIDER: this newly ALLOWS" : "Narrower: this newly denies";
    return [
      `${head} (${rules.length} changes of rules, ${report[way].count} of ${questions} sampled decisions)`,
      ...rules.map((rule) => `  ${sign[way][rule.effect]} ${toRuleLine(rule)}`),
      ...toChangeLines(report[way], "    "),
      "",
    ];
  };
  return [
    ...section("wider"),
    ...section("narrower"),
    `Sampled: ${subjects} subjects × ${tools} tools × ${resources} resources of the audit and the served folders${all ? "" : " (not all files: there are too many, or some cannot be read)"}.`,
  ].join("\n");
}

const mostPatterns = 6;

function toRuleLine({ effect, subjects, tools, patterns, conditions, place }: RuleGroup): string {
  const shown = patterns.slice(0, mostPatterns).map((pattern) => JSON.stringify(pattern));
  const rest = patterns.length > mostPatterns ? ` … and ${patterns.length - mostPatterns} more` : "";
  const asked = conditions === "" ? "" : `  { ${conditions} }`;
  return `${effect}  ${subjects.join(", ")}  ${tools.join(", ")}  ${shown.join(", ")}${rest}${asked}  ${place}`;
}
