import type { Facts } from "./facts.ts";
import type { Parts } from "./parts.ts";

/** What the server has counted since it began, without a word of what anyone asked or was told. */
export interface Metrics {
  /** `code` is "ok" or a refusal's code. */
  count(facts: Pick<Facts, "kind" | "masked">, tool: string, code: string, durationUs: number): void;
  /** In Prometheus' text format (version 0.0.4). */
  text(now: Now): string;
}

interface Now {
  readonly queue: number;
  readonly auditFault: boolean;
  readonly warnings: number;
  /** What is kept by an engine that is away. */
  readonly degraded: readonly string[];
}

/** Upper bounds of the duration's buckets, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
/** More label values than this are counted together: no caller can make the page grow. */
const mostValues = 500;

interface Durations {
  readonly buckets: number[];
  sum: number;
  count: number;
}

export function createMetrics(): Metrics {
  const calls = new Map<string, number>();
  const others = new Map<string, number>();
  const masked = new Map<string, number>();
  const durations = new Map<string, Durations>();

  const add = (counts: Map<string, number>, labels: string, by = 1): void => {
    const key = counts.has(labels) || counts.size < mostValues ? labels : "";
    counts.set(key, (counts.get(key) ?? 0) + by);
  };

  const observe = (tool: string, seconds: number): void => {
    const known = durations.get(tool) ?? { buckets: bounds.map(() => 0), sum: 0, count: 0 };
    durations.set(tool, known);
    known.sum += seconds;
    known.count += 1;
    const bucket = bounds.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) known.buckets[bucket] = (known.buckets[bucket] ?? 0) + 1;
  };

  return {
    count({ kind, masked: masks }, tool, code, durationUs) {
      if (kind === "call") {
        add(calls, `{tool="${tool}",code="${code}"}`);
        observe(tool, durationUs / 1e6);
      } else add(others, `{kind="${kind}",code="${code}"}`);
      for (const [rule, number] of Object.entries(masks ?? {})) add(masked, `{kind="${toLabel(rule)}"}`, number);
    },
    text: ({ queue, auditFault, warnings, degraded }) =>
      [
        ...family("portcullis_calls_total", "counter", "Tool calls by tool and outcome.", [...calls]),
        ...family("portcullis_requests_total", "counter", "Other requests, and envelopes that became none.", [
          ...others,
        ]),
        ...family("portcullis_masked_total", "counter", "Secrets that were masked, by kind.", [...masked]),
        ...family("portcullis_audit_queue_records", "gauge", "Records that wait to be written.", [["", queue]]),
        ...family("portcullis_audit_fault", "gauge", "1 while nothing can be recorded, and so nothing is done.", [
          ["", Number(auditFault)],
        ]),
        ...family("portcullis_warnings", "gauge", "What is not well, though calls are taken.", [["", warnings]]),
        ...family("portcullis_degraded", "gauge", "1 for each concern whose engine is away.", [
          ...degraded.map((concern): [string, number] => [`{concern="${concern}"}`, 1]),
        ]),
        ...histogram(durations),
        "",
      ].join("\n"),
  };
}

const family = (
  name: string,
  type: "counter" | "gauge",
  help: string,
  values: readonly (readonly [string, number])[],
): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...values.map(([labels, value]) => `${name}${labels} ${value}`),
];

function histogram(durations: ReadonlyMap<string, Durations>): readonly string[] {
  const name = "portcullis_call_duration_seconds";
  const lines = [`# HELP ${name} How long calls took, from their arrival to their record.`, `# TYPE ${name} histogram`];
  for (const [tool, { buckets, sum, count }] of durations) {
    let upTo = 0;
    for (const [index, bound] of bounds.entries()) {
      upTo += buckets[index] ?? 0;
      lines.push(`${name}_bucket{tool="${tool}",le="${bound}"} ${upTo}`);
    }
    lines.push(`${name}_bucket{tool="${tool}",le="+Inf"} ${count}`);
    lines.push(`${name}_sum{tool="${tool}"} ${sum}`, `${name}_count{tool="${tool}"} ${count}`);
  }
  return lines;
}

const toLabel = (value: string): string =>
  value.slice(0, 100).replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`));

/** The page as it is now. */
export const metricsText = ({
  metrics,
  audit,
  warnings,
  degraded,
}: Pick<Parts, "metrics" | "audit" | "warnings" | "degraded">): string =>
  metrics.text({
    queue: audit.depth(),
    auditFault: audit.fault() !== undefined,
    warnings: warnings().length,
    degraded: degraded(),
  });
