import type { Failure } from "@portcullis/contracts";
import { type Checked, checkCitation, type Verdict } from "./check-citation.ts";
import {
  formatReference,
  isSha256,
  NoReference,
  parseReference,
  type Reference,
  toReference,
} from "./citation-reference.ts";
import { type Command, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { openServer } from "./open-server.ts";
import { settingsOf } from "./settings-of.ts";
import { inert, lookOf, wrap } from "./terminal-text.ts";

const most = { citations: 1_000, bytes: 16_777_216 } as const;
const example = "portcullis cite 'notes/plan.md#bytes=10-90'";

export const cite: Command = {
  usage: "REFERENCE [--sha256 HEX] | -",
  summary: "Read a cited span back from its source, and tell whether it is still what was cited",
  options: {
    sha256: { type: "string", help: "what the span should be, in hex (default: what the index cites)" },
    subject: { type: "string", help: "whom policy judges the reading as (default owner)" },
  },
  async run(invocation) {
    const { values, positionals, output, env } = invocation;
    const [given, ...others] = positionals;
    if (given === undefined || others.length > 0)
      throw new CommandError(exits.usage, "cite needs one citation, or - to read them from stdin.", example);
    const sha256 = text(values, "sha256");
    if (sha256 !== undefined && (!isSha256(sha256) || given === "-"))
      throw new CommandError(
        exits.usage,
        "--sha256 takes 64 hexadecimal digits, with one citation.",
        `${example} --sha256 HEX`,
      );
    const references = await understood(async () => {
      if (given === "-") return readReferences(await readAll(process.stdin));
      return [{ ...parseReference(given), ...(sha256 !== undefined && { sha256: sha256.toLowerCase() }) }];
    });
    const settings = settingsOf({ ...invocation, positionals: [] });
    // Each citation is a call; a list of them is one question of its owner, and not a model's turn.
    const calls = Math.max(settings.limits.turnCalls, 2 * references.length);
    const limits = { ...settings.limits, turnCalls: calls, turnCeiling: Math.max(settings.limits.turnCeiling, calls) };
    const server = await openServer({ ...invocation, positionals: [] }, { settings: { ...settings, limits } });
    const verdicts = new Map<Verdict | "refused", number>();
    try {
      const subject = text(values, "subject") ?? "owner";
      const { columns } = lookOf(process.stdout, env);
      for (const reference of references) {
        const checked = await checkCitation({ server, subject }, reference);
        const verdict = checked.ok ? checked.verdict : "refused";
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        if (output.json) output.out(JSON.stringify(checked.ok ? checked : { ...checked, ...reference }));
        else if (given === "-") output.out(toLine(reference, checked));
        else output.out(toText(reference, checked, columns));
      }
    } finally {
      await server.stop(0);
    }
    if (given === "-") output.err(toSummary(references.length, verdicts));
    return (verdicts.get("holds") ?? 0) === references.length ? exits.ok : exits.no;
  },
};

async function understood<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NoReference) throw new CommandError(exits.usage, inert(error.message), example);
    throw error;
  }
}

async function readAll(input: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of input) {
    bytes += piece.length;
    if (bytes > most.bytes) throw new CommandError(exits.data, `More than ${most.bytes} bytes came on stdin.`, example);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Citations as they come: one a line, as JSON or as references, or as the `citations` or `chunks` of an answer. */
function readReferences(input: string): readonly Reference[] {
  const references = parsedWhole(input) ?? input.split("\n").flatMap((line) => parsedLine(line.trim()));
  if (references.length === 0)
    throw new CommandError(
      exits.noInput,
      "No citations came on stdin.",
      "portcullis search QUERY --json | portcullis cite -",
    );
  if (references.length > most.citations)
    throw new CommandError(
      exits.data,
      `${references.length} citations came; at most ${most.citations} are checked at once.`,
    );
  return references;
}

function parsedWhole(input: string): readonly Reference[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    return undefined;
  }
  return citationsIn(value);
}

function parsedLine(line: string): readonly Reference[] {
  if (line === "") return [];
  if (!/^[[{]/.test(line)) return [parseReference(line)];
  try {
    return citationsIn(JSON.parse(line));
  } catch (error) {
    if (error instanceof NoReference) throw error;
    throw new NoReference(`A line on stdin is not JSON: ${(error as Error).message}`);
  }
}

function citationsIn(value: unknown): readonly Reference[] {
  if (Array.isArray(value)) return value.map(toReference);
  const { citations, chunks, result } = (value ?? {}) as Readonly<Record<string, unknown>>;
  for (const list of [citations, chunks]) if (Array.isArray(list)) return list.map(toReference);
  if (typeof result === "object" && result !== null) return citationsIn(result);
  // An answer that found nothing.
  if (Array.isArray((value as { results?: unknown } | null)?.results)) return [];
  return [toReference(value)];
}

const marks: Readonly<Record<Verdict, string>> = { holds: "✓", stale: "✗", differs: "✗", unknown: "?" };

const toLine = (reference: Reference, checked: Checked | Failure): string =>
  inert(
    checked.ok
      ? `${marks[checked.verdict]} ${checked.verdict.padEnd(7)}  ${formatReference(checked)}`
      : `✗ ${checked.code}  ${formatReference(reference)}`,
  );

function toText(reference: Reference, checked: Checked | Failure, columns: number | undefined): string {
  const indented = (value: string): string => {
    const plain = inert(value);
    return wrap(plain, columns === undefined ? undefined : columns - 2)
      .map(({ start, end }) => `  ${plain.slice(start, end)}`.trimEnd())
      .join("\n");
  };
  if (!checked.ok) return inert(`✗ ${checked.code}  ${formatReference(reference)}\n`) + indented(checked.message);
  const { verdict, says, title, label, text: passage, notes, sha256, expected } = checked;
  const named = [title, label].filter(Boolean).join(" › ");
  return [
    inert(`${marks[verdict]} ${verdict}  ${formatReference(checked)}`),
    indented(says),
    ...(named === "" ? [] : ["", indented(named)]),
    ...(passage === undefined || passage === "" ? [] : ["", indented(passage.replace(/^\n+|\s+$/g, ""))]),
    ...(notes.length === 0 ? [] : ["", ...notes.map(indented)]),
    "",
    `  sha256    ${sha256}`,
    ...(expected === undefined || expected === sha256 ? [] : [`  expected  ${expected}`]),
  ].join("\n");
}

function toSummary(count: number, verdicts: ReadonlyMap<string, number>): string {
  const each = [...verdicts].map(
    ([verdict, times]) => `${times} ${verdict === "holds" && times > 1 ? "hold" : verdict}`,
  );
  return `${count} ${count === 1 ? "citation" : "citations"}: ${each.join(", ")}.`;
}
