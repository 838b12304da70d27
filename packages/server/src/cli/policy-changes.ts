import type { Changes } from "../policy/tally.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";

/** How many examples are shown of each direction: `--limit`. */
export function toLimit({ values, output }: Invocation): number {
  const wanted = text(values, "limit") ?? (output.json ? "1000" : "20");
  if (!/^\d{1,6}$/.test(wanted)) throw new CommandError(exits.usage, "--limit takes a number.");
  return Number(wanted);
}

/** Changes as lines for a person: who, with what, on what, and whether somebody asked for it. */
export function toChangeLines({ count, examples }: Changes, indent: string): readonly string[] {
  let shown = 0;
  const lines = examples.map(({ subject, tools, resource, from, to, scopes, asked }) => {
    shown += tools.length;
    const by = scopes.length > 0 ? `  by ${scopes.join(", ")}` : "";
    const times = asked > 0 ? `  (asked ${asked}×)` : "";
    return `${indent}${from} → ${to}  ${subject}  ${tools.join(", ")}  ${resource}${by}${times}`;
  });
  const rest = count - shown;
  // What callers wrote must not steer a terminal.
  const safe = lines.map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, "\u00b7"));
  return rest > 0 ? [...safe, `${indent}… and ${rest} more: --limit shows more, --json all that are kept`] : safe;
}
