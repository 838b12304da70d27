import { type Answer, answerOf } from "./answer.ts";
import { compilePolicy, type Policy, type ToolFacts } from "./compile.ts";
import type { CompileOptions } from "./compile-scope.ts";
import { type Fault, PatternError, toLine } from "./fault.ts";
import { toMoment } from "./moment.ts";
import { nearest } from "./nearest.ts";
import type { PolicyText } from "./parse.ts";
import { readResource } from "./resource-text.ts";
import { type Case, parseTests, type TestDocument } from "./test-file.ts";
import type { Question, Reason } from "./verdict.ts";
import type { YamlDocument, YamlText } from "./yaml-document.ts";

/** One combination of a case's lists that came out otherwise than expected. */
export interface Miss {
  readonly path: string;
  readonly line: number;
  readonly name: string | null;
  readonly subject: string;
  readonly tool: string;
  readonly resource: string;
  readonly expected: { readonly answer: Answer; readonly reason?: Reason; readonly scope?: string };
  readonly actual: { readonly answer: Answer; readonly reason?: Reason; readonly scopes: readonly string[] };
}

export interface TestReport {
  readonly ok: boolean;
  readonly files: number;
  /** Combinations that were tried. */
  readonly cases: number;
  readonly misses: readonly Miss[];
  /** What is wrong with the cases, or with the policies that they are about. */
  readonly faults: readonly Fault[];
}

export interface TestWorld {
  readonly policies: readonly PolicyText[];
  readonly options: CompileOptions;
  readonly tools: readonly ToolFacts[];
  readonly now: number;
}

/** Tries every case of every file against a set of policies. */
export function runTests(files: readonly YamlText[], world: TestWorld): TestReport {
  const parsed = files.map(parseTests);
  const faults: Fault[] = parsed.flatMap((file) => file.faults);
  const misses: Miss[] = [];
  let cases = 0;
  const policies = new Map<string, Policy | undefined>();
  const policyFor = (options: CompileOptions): Policy | undefined => {
    const key = JSON.stringify([options.home, options.served]);
    if (!policies.has(key)) {
      const compiled = compilePolicy(world.policies, options);
      faults.push(...compiled.faults);
      policies.set(key, compiled.policy);
    }
    return policies.get(key);
  };

  for (const document of parsed.flatMap((file) => file.documents)) {
    const { home, served } = document.value;
    const options: CompileOptions = {
      ...world.options,
      ...(home !== undefined && { home }),
      ...(served && { served: Object.entries(served).map(([name, path]) => ({ name, path })) }),
    };
    const policy = policyFor(options);
    for (const [index, one] of document.value.cases.entries()) {
      const tries = toTries(document, index, { ...world, options }, faults);
      cases += tries.length;
      for (const each of policy ? tries : []) {
        const miss = tryCase(policy as Policy, one, each);
        if (miss) misses.push({ path: document.path, ...document.locate(["cases", index]), ...miss });
      }
    }
  }
  return { ok: faults.length === 0 && misses.length === 0, files: files.length, cases, misses, faults };
}

interface Try {
  readonly question: Question;
  /** As the case names it. */
  readonly resource: string;
}

/** Every combination of a case's lists as a question; what is wrong with the case is added to the faults, and then there is none. */
function toTries(
  { path, value, locate }: YamlDocument<TestDocument>,
  index: number,
  world: TestWorld,
  faults: Fault[],
): readonly Try[] {
  const one = value.cases[index] as Case;
  const before = faults.length;
  const tell = (key: string, message: string, suggestion?: string): void => {
    const keys = key in one ? ["cases", index, key] : key in value ? [key] : ["cases", index];
    faults.push({ path, ...locate(keys), message, ...(suggestion !== undefined && { suggestion }) });
  };
  const subjects = [one.subject ?? value.subject ?? []].flat();
  const tools = [one.tool ?? value.tool ?? []].flat();
  if (subjects.length === 0) tell("subject", "The case names no subject, and neither does its document.");
  if (tools.length === 0) tell("tool", "The case names no tool, and neither does its document.");
  const known = world.tools.map(({ name }) => name);
  for (const tool of tools)
    if (!known.includes(tool)) tell("tool", `There is no tool named ${tool}.`, nearest(tool, known));
  if (one.reason !== undefined && one.expect === "allow") tell("reason", "What is allowed has no reason.");
  if (one.reason !== undefined && one.expect !== "allow" && (one.reason === "consent") !== (one.expect === "ask"))
    tell("reason", "The reason consent goes with expect: ask, and no other does.");
  const at = one.at ?? value.at;
  const now = at === undefined ? world.now : toMoment(at);
  if (now === undefined)
    tell("at", "Here belongs a date (2027-01-31) or a date and time with its zone (2027-01-31T18:00Z).");
  const purpose = one.purpose ?? value.purpose ?? "policy test";
  const stated = one.stated ?? value.stated ?? true;
  const resources = [one.resource].flat().flatMap((text) => {
    try {
      return [{ text, resource: readResource(text, world.options, one.method ?? value.method) }];
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      tell("resource", error.message, error.suggestion);
      return [];
    }
  });
  if (faults.length > before) return [];
  return subjects.flatMap((subject) =>
    tools.flatMap((tool) =>
      resources.map(({ text, resource }) => ({
        question: {
          subject,
          tool,
          effect: world.tools.find(({ name }) => name === tool)?.effect ?? "read",
          resource,
          purpose: purpose === "" ? { stated: false } : { text: purpose, stated },
          now: now ?? world.now,
        },
        resource: text,
      })),
    ),
  );
}

function tryCase(policy: Policy, one: Case, { question, resource }: Try): Omit<Miss, "path" | "line"> | undefined {
  const verdict = policy.decide(question);
  const answer = answerOf(verdict);
  const scopes = (verdict.effect === "allow" ? verdict.scopes : [verdict.scope]).flatMap((ref) => ref?.id ?? []);
  const reason = verdict.effect === "deny" ? verdict.reason : undefined;
  const holds =
    answer === one.expect &&
    (one.reason === undefined || one.reason === reason) &&
    (one.scope === undefined || scopes.includes(one.scope));
  if (holds) return undefined;
  return {
    name: one.name ?? null,
    subject: question.subject,
    tool: question.tool,
    resource,
    expected: {
      answer: one.expect,
      ...(one.reason && { reason: one.reason }),
      ...(one.scope !== undefined && { scope: one.scope }),
    },
    actual: { answer, ...(reason && { reason }), scopes },
  };
}

/** What `policy test` tells: of each miss what was expected and what came, as a diff does. */
export function toTestText({ ok, files, cases, misses, faults }: TestReport): string {
  const lines = misses.flatMap(({ path, line, name, subject, tool, resource, expected, actual }) => [
    `${path}:${line}: ${name ?? "a case"}`,
    `    ${subject} ${tool} ${resource}`,
    `  - ${expected.answer}${expected.reason ? ` (${expected.reason})` : ""}${expected.scope === undefined ? "" : ` by ${expected.scope}`}`,
    `  + ${actual.answer}${actual.reason ? ` (${actual.reason})` : ""}${actual.scopes.length > 0 ? ` by ${actual.scopes.join(", ")}` : ""}`,
  ]);
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
  const summary = ok
    ? `Good: ${count(cases, "case")} in ${count(files, "file")} hold.`
    : faults.length > 0
      ? `${count(faults.length, "fault")}: nothing is proved until they are mended.`
      : `${count(misses.length, "case")} of ${cases} came out otherwise.`;
  return [...faults.map(toLine), ...lines, summary].join("\n");
}
