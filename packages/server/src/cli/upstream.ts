import type { McpSource, OpenApiSource } from "../config/source-settings.ts";
import { declare } from "../upstream/marks.ts";
import { toMountName } from "../upstream/mount-name.ts";
import { type Pin, type PinFile, type Pinned, pinPath, readPins, accept as take, writePins } from "../upstream/pins.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print, toTable } from "./output.ts";
import { settingsOf } from "./settings-of.ts";
import { inert, toCount } from "./terminal-text.ts";

type Source = McpSource | OpenApiSource;

export const upstream: Command = {
  usage: "list | show NAME [TOOL] | accept NAME [TOOL…]",
  summary: "Tell what other servers offer, and take their new or changed tools as they are now",
  options: { config: { type: "string", help: "the configuration file" } },
  async run(invocation) {
    const [verb, name, ...tools] = invocation.positionals;
    const { sources } = settingsOf({ ...invocation, positionals: [] });
    if (verb === "list" && name === undefined) return list(invocation, sources);
    if (verb !== "show" && verb !== "accept")
      throw new CommandError(exits.usage, "upstream needs one of: list, show, accept.", "portcullis upstream --help");
    const source = sources.find((one) => one.name === name);
    if (!source)
      throw new CommandError(
        exits.no,
        name === undefined ? `upstream ${verb} needs a source's name.` : `There is no source named ${inert(name)}.`,
        "portcullis upstream list",
      );
    return verb === "show" ? show(invocation, source, tools[0]) : accept(invocation, source, tools);
  },
};

type State = "open" | "hidden" | "new" | "changed" | "gone";

function stateOf({ accepted, held, gone }: Pinned, exposed: boolean): State {
  if (gone) return "gone";
  if (held) return accepted ? "changed" : "new";
  return exposed ? "open" : "hidden";
}

/** A source's tools as the file says; a damaged file is told. */
function pinsOf({ data }: Invocation, { name }: Source): PinFile | undefined {
  try {
    return readPins(pinPath(data, name));
  } catch (error) {
    throw new CommandError(exits.data, (error as Error).message);
  }
}

const says: Readonly<Record<State, string>> = {
  open: "open to policies",
  hidden: "hidden by the configuration",
  new: "NEW: waits for you",
  changed: "CHANGED: waits for you",
  gone: "not offered any more",
};

const toTools = (source: Source, pins: PinFile | undefined) =>
  Object.entries(pins?.tools ?? {}).map(([name, pinned]) => {
    const { effect, labels, expose } = declare(source.tools, name);
    const tool = `${source.name}.${toMountName(source.name, name)}`;
    return { name, tool, state: stateOf(pinned, expose), effect, labels };
  });

function list(invocation: Invocation, sources: readonly Source[]): Exit {
  const all = sources.map((source) => {
    const pins = pinsOf(invocation, source);
    const { name, kind } = source;
    return { name, kind, looked: pins?.looked ?? null, left: pins?.left ?? 0, tools: toTools(source, pins) };
  });
  const rows = all.flatMap(({ name, kind, looked, tools }) => [
    [name, kind, looked === null ? "never seen: start the server" : `seen ${looked.slice(0, 16).replace("T", " ")}`],
    ...tools.map(({ tool, state, effect }) => [`  ${inert(tool)}`, effect, says[state]]),
  ]);
  const waiting = all
    .flatMap(({ tools }) => tools)
    .filter(({ state }) => state === "new" || state === "changed").length;
  const next =
    waiting === 0 ? "" : `\n\n${toCount(waiting, "tool waits", "tools wait")} for you: portcullis upstream show NAME`;
  print(
    invocation.output,
    { sources: all },
    sources.length === 0 ? "The configuration names no sources: docs/upstream.md." : `${toTable(rows)}${next}`,
  );
  return exits.ok;
}

function show(invocation: Invocation, source: Source, wanted: string | undefined): Exit {
  const pins = pinsOf(invocation, source);
  const found = toTools(source, pins).filter(
    ({ name, tool }) => wanted === undefined || wanted === name || wanted === tool,
  );
  if (found.length === 0)
    throw new CommandError(
      exits.no,
      pins === undefined ? `${source.name} was never seen.` : `${source.name} has no such tool.`,
      pins === undefined ? "portcullis serve starts it" : `portcullis upstream show ${source.name}`,
    );
  const shown = found.map((one) => ({ ...one, ...pins?.tools[one.name] }));
  print(invocation.output, { name: source.name, tools: shown }, inert(shown.map(toText).join("\n\n")));
  return exits.ok;
}

type Shown = ReturnType<typeof toTools>[number] & Pinned;

function toText({ tool, name, state, effect, labels, accepted, held }: Shown): string {
  const head = `${tool} (${name}): ${says[state]}; counts as ${effect}, ${JSON.stringify(labels)}`;
  const parts = held
    ? [...(accepted ? toLines("as you know it", accepted) : []), ...toLines("as it is now", held)]
    : [];
  return [head, ...(held ? parts : accepted ? toLines("as you know it", accepted) : [])].join("\n");
}

function toLines(what: string, { hash, seen, definition }: Pin): readonly string[] {
  const { name: _, ...rest } = definition;
  const text = JSON.stringify(rest, null, 2).replaceAll("\n", "\n    ");
  return [`  ${what}, since ${seen.slice(0, 16).replace("T", " ")} (${hash.slice(0, 12)}):`, `    ${text}`];
}

function accept(invocation: Invocation, source: Source, named: readonly string[]): Exit {
  const before = pinsOf(invocation, source);
  if (!before) throw new CommandError(exits.no, `${source.name} was never seen.`, "portcullis serve starts it");
  const names = named.map(
    (one) => toTools(source, before).find(({ name, tool }) => name === one || tool === one)?.name ?? one,
  );
  const { pins, taken } = take(before, names.length === 0 ? undefined : names);
  const missing = names.filter((name) => !taken.includes(name));
  if (missing.length > 0)
    throw new CommandError(
      exits.no,
      `Nothing waits under ${inert(missing.join(", "))}; nothing was taken.`,
      `portcullis upstream show ${source.name}`,
    );
  if (taken.length > 0) writePins(pinPath(invocation.data, source.name), pins);
  print(
    invocation.output,
    { name: source.name, accepted: taken },
    taken.length === 0
      ? `Nothing of ${source.name} waits for you.`
      : `Took ${inert(taken.join(", "))} of ${source.name}. A running server shows them within a second, to whom a policy opens them.`,
  );
  return exits.ok;
}
