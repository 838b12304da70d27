import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { compilePolicy, emptyPolicy } from "../policy/compile.ts";
import { toLine } from "../policy/fault.ts";
import type { RecordedCall } from "../policy/replay.ts";
import { type Closed, type Offer, type Suggestion, type Suggestions, suggest } from "../policy/suggest.ts";
import type { PolicySource } from "../stores/store.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { findCall, readCalls } from "./policy-audit.ts";
import { type Walked, walkFiles } from "./policy-files.ts";
import { compileSet, openWorld, type PolicyWorld, readSet } from "./policy-set.ts";
import { toSince } from "./since.ts";

const mostFiles = 100_000;

/** `policy suggest`: the smallest scopes that would have allowed what was refused. It writes nothing unless `--write` names a file. */
export async function suggestPolicy(invocation: Invocation): Promise<Exit> {
  const { values, output } = invocation;
  const world = await openWorld(invocation);
  const sources = await readSet(world);
  const used = values.used === true;
  const calls = (await callsOf(invocation)).filter(({ answer }) => (answer === "allow") === used);
  const under = new Map<string, Walked>();
  // What is used is covered from nothing; what was refused is added to the policy of today.
  const found = suggest(used ? emptyPolicy() : compileSet(sources, world), calls, {
    policies: used ? [] : sources,
    options: world.options,
    now: Date.now(),
    filesUnder: (folder) => {
      const known = under.get(folder) ?? walkFiles(folder, mostFiles);
      under.set(folder, known);
      return known;
    },
  });
  const wide = values.folder === true;
  const shown = toText(found, wide);
  const target = text(values, "write");
  if (target !== undefined && found.suggestions.length > 0) {
    write(resolve(target), toYaml(found.suggestions, wide), { sources, world });
    output.err(`Written to ${target}.`);
  }
  print(output, found, shown);
  return found.suggestions.length > 0 || found.closed.length === 0 ? exits.ok : exits.no;
}

async function callsOf({ values, data }: Invocation): Promise<readonly RecordedCall[]> {
  const id = text(values, "request");
  if (id === undefined) return (await readCalls(data, toSince(text(values, "since") ?? "7d", Date.now()))).calls;
  const call = await findCall(data, id);
  if (call) return [call];
  throw new CommandError(
    exits.noInput,
    `The audit holds no call ${id} that a policy decided and that can be told again.`,
    "portcullis audit tail shows the ids.",
  );
}

const chosen = (suggestion: Suggestion, wide: boolean): Offer =>
  wide && suggestion.folder ? suggestion.folder : suggestion.exact;

const toYaml = (suggestions: readonly Suggestion[], wide: boolean): string =>
  suggestions.map((suggestion) => chosen(suggestion, wide).yaml).join("");

/** YAML that can be pasted as it is: all that is said about it stands in comments. */
function toText({ suggestions, closed, calls, allowed }: Suggestions, wide: boolean): string {
  const nothing =
    closed.length > 0 ? "# No scope would open any of it." : "# Nothing was refused that a scope could open.";
  return [
    `# ${calls} calls; ${allowed} of them are allowed today.`,
    ...(suggestions.length === 0 ? [nothing] : []),
    ...suggestions.flatMap((suggestion) => toLines(suggestion, wide)),
    ...(closed.length > 0 ? ["#", "# No further scope opens these:"] : []),
    ...closed.map(toClosedLine),
  ].join("\n");
}

function toLines(suggestion: Suggestion, wide: boolean): readonly string[] {
  const { exact, folder, asked, last, purposes } = suggestion;
  const why =
    purposes.length > 0
      ? ` for ${purposes
          .slice(0, 5)
          .map((purpose) => JSON.stringify(purpose))
          .join(", ")}`
      : "";
  const other = wide ? [] : folder ? [folder] : [];
  return [
    "#",
    comment(`Asked ${asked} times${why}, last in ${last}.`),
    ...opensLines(chosen(suggestion, wide), "This opens"),
    chosen(suggestion, wide).yaml.trimEnd(),
    ...other.flatMap((offer) => [
      ...opensLines(offer, "Wider: their folders (--folder) would open"),
      ...(offer.opens.count > 0 || !offer.opens.all ? offer.scope.allow.map((pattern) => comment(`  ${pattern}`)) : []),
    ]),
    ...(wide && folder && exact.scope.allow.length > 0
      ? [comment("Without --folder, only what was asked for is opened.")]
      : []),
  ];
}

function opensLines({ opens: { count, examples, all } }: Offer, head: string): readonly string[] {
  const more = all ? "" : count > 0 ? ", and more that cannot be listed" : " others that cannot be listed";
  const what = count > 0 ? ` ${count} files that were not asked for` : all ? " nothing else" : "";
  return [
    comment(`${head}${what}${more}.`),
    ...examples.map((uri) => comment(`  ${uri}`)),
    ...(count > examples.length ? [comment(`  … and ${count - examples.length} more`)] : []),
  ];
}

const toClosedLine = ({ subject, tool, resource, reason, asked, scope }: Closed): string =>
  comment(`  ${subject} ${tool} ${resource}: ${reason}${scope === null ? "" : `, by ${scope}`} (asked ${asked} times)`);

/** Nothing that a caller wrote may end a comment or steer a terminal. */
const comment = (line: string): string => `# ${line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\u00b7")}`;

interface Into {
  readonly sources: readonly PolicySource[];
  readonly world: PolicyWorld;
}

/** Puts the lines at the end of a file, or makes it, in one step; a set that would have a fault by it is refused. */
function write(path: string, yaml: string, { sources, world }: Into): void {
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const written = `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${yaml}`;
  const others = sources.filter((source) => resolve(source.path) !== path);
  const { faults } = compilePolicy([...others, { path, text: written }], world.options);
  if (faults.length > 0)
    throw new CommandError(
      exits.data,
      `${path} was left as it is, since the policies would have faults:\n${faults.map(toLine).join("\n")}`,
    );
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, written, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new CommandError(
      exits.cannotCreate,
      `${path} cannot be written: ${(error as Error).message}`,
      `Is ${dirname(path)} a folder that may be written?`,
    );
  }
}
