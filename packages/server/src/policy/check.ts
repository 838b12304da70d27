import { type Compiled, compilePolicy } from "./compile.ts";
import type { CompileOptions } from "./compile-scope.ts";
import type { Explanation, Finding } from "./explain.ts";
import { type Fault, toLine } from "./fault.ts";
import type { PolicyText } from "./parse.ts";

export interface CheckReport {
  readonly ok: boolean;
  readonly files: number;
  readonly documents: number;
  readonly scopes: number;
  /** The policy's hash; null when there is a fault. */
  readonly hash: string | null;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly text: string;
}

/** What `policy check` tells: every fault of every file, or what a good set holds. */
export function checkPolicies(sources: readonly PolicyText[], options: CompileOptions): CheckReport {
  const { policy, faults, warnings }: Compiled = compilePolicy(sources, options);
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
  const facts = {
    ok: policy !== undefined,
    files: sources.length,
    documents: policy?.documents ?? 0,
    scopes: policy?.scopes ?? 0,
    hash: policy?.hash ?? null,
    faults,
    warnings,
  };
  const summary = policy
    ? `Good: ${count(facts.files, "file")}, ${count(facts.documents, "document")}, ${count(facts.scopes, "scope")}.`
    : `${count(faults.length, "fault")} in ${count(facts.files, "file")}: none of these policies takes effect.`;
  const lines = [
    ...faults.map(toLine),
    ...warnings.map((warning) => `${toLine({ ...warning, message: `note: ${warning.message}` })}`),
    summary,
  ];
  return { ...facts, text: lines.join("\n") };
}

/** What `policy explain` tells, in words. */
export function toExplanationText({ verdict, considered, deciding, nearMisses, change }: Explanation): string {
  const head =
    verdict.effect === "allow"
      ? `ALLOWED by ${deciding.map(nameOf).join(", ")}`
      : `DENIED (${verdict.reason}): ${verdict.message}`;
  const { obligations } = verdict.effect === "allow" ? verdict : { obligations: undefined };
  const asked = obligations
    ? [
        ...obligations.rates.map(
          (rate) => `at most ${rate.perMinute} calls a minute, ${rate.burst} at once (${rate.scope})`,
        ),
        ...(obligations.maxBytes === undefined ? [] : [`at most ${obligations.maxBytes} bytes an answer`]),
        ...obligations.redact.map((pattern) => `masked: ${pattern}`),
      ]
    : [];
  return [
    head,
    ...section("With", asked),
    ...section("Decided by", deciding.map(describe)),
    ...section("Came near", verdict.effect === "deny" ? nearMisses.map(describe) : []),
    ...section("What would have to change", change),
    `${considered.length} scopes of this subject were considered.`,
  ].join("\n");
}

const nameOf = ({ scope }: Finding): string => `${scope.id} (${scope.file}:${scope.line})`;

const describe = (finding: Finding): string => {
  const pattern = finding.pattern === null ? "" : ` ${JSON.stringify(finding.pattern)}`;
  const condition = finding.condition === undefined ? "" : `: ${conditions[finding.condition] ?? finding.condition}`;
  return `${nameOf(finding)} ${finding.outcome}${pattern}${condition}`;
};

const conditions: Readonly<Record<string, string>> = {
  subject: "its document is for other subjects",
  tool: "it names other tools",
  client: "it is for another client (--client)",
  call: "it is for one call with other arguments",
  resource: "its patterns do not cover the resource",
  purpose_required: "it needs a purpose",
  purpose_not_served: "it serves other purposes",
  method_not_named: "it does not name the method",
  write_not_named: "only a wildcard names the tool",
  expired: "it has expired",
};

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  return [`${title}:`, ...lines.flatMap((line) => line.trimEnd().split("\n")).map((line) => `  ${line}`)];
}
