import type { McpSource, OpenApiSource } from "../config/source-settings.ts";
import { declare } from "../upstream/marks.ts";
import { toMountName, toPromptName } from "../upstream/mount-name.ts";
import {
  type Pin,
  type PinFile,
  type Pinned,
  pinPath,
  promptPinPath,
  readPins,
  accept as take,
  writePins,
} from "../upstream/pins.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print, toTable } from "./output.ts";
import { settingsOf } from "./settings-of.ts";
import { inert, toCount } from "./terminal-text.ts";

type Source = McpSource | OpenApiSource;

export const upstream: Command = {
  usage: "list | show NAME [TOOL] | accept NAME [TOOL…] | login NAME | logout NAME",
  summary: "Tell what other servers offer, take what is new or changed of it as it is now, and log in to them",
  options: {
    wait: { type: "string", help: "login: seconds that the browser is waited for (default 300)" },
    port: { type: "string", help: "login: the port on 127.0.0.1 that the browser comes back to (default: a free one)" },
  },
  async run(invocation) {
    const [verb, name, ...tools] = invocation.positionals;
    const { sources } = settingsOf({ ...invocation, positionals: [] });
    if (verb === "list" && name === undefined) {
      const oauth = sources.some((source) => source.kind === "mcp" && source.auth === "oauth");
      return list(invocation, sources, oauth ? await readLogins(invocation) : new Map());
    }
    if ((verb === "login" || verb === "logout") && name !== undefined && tools.length === 0) {
      const session = await import("./upstream-login.ts");
      return verb === "login" ? session.login(invocation, name) : session.logout(invocation, name);
    }
    if (verb !== "show" && verb !== "accept")
      throw new CommandError(
        exits.usage,
        "upstream needs one of: list, show NAME, accept NAME, login NAME, logout NAME.",
        "portcullis upstream --help",
      );
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

/** What is pinned of a source, in one file for its tools and one for its prompts. */
interface Board {
  readonly kind: "tool" | "prompt";
  readonly file: string;
  readonly pins: PinFile | undefined;
}

/** A source's tools and prompts as the files say; a damaged file is told. */
function boardsOf({ data }: Invocation, { name }: Source): readonly [Board, Board] {
  const read = (kind: Board["kind"], file: string): Board => {
    try {
      return { kind, file, pins: readPins(file) };
    } catch (error) {
      throw new CommandError(exits.data, (error as Error).message);
    }
  };
  return [read("tool", pinPath(data, name)), read("prompt", promptPinPath(data, name))];
}

const says: Readonly<Record<State, string>> = {
  open: "open to policies",
  hidden: "hidden by the configuration",
  new: "NEW: waits for you",
  changed: "CHANGED: waits for you",
  gone: "not offered any more",
};

const toOffers = (source: Source, { kind, pins }: Board) =>
  Object.entries(pins?.tools ?? {}).map(([name, pinned]) => {
    const { effect, labels, expose } = declare(source.tools, kind === "prompt" ? "*" : name);
    const tool =
      kind === "prompt" ? toPromptName(source.name, name) : `${source.name}.${toMountName(source.name, name)}`;
    return { kind, name, tool, state: stateOf(pinned, expose), effect: kind === "prompt" ? "read" : effect, labels };
  });

type Logins = ReadonlyMap<string, { readonly good: boolean; readonly says: string }>;

async function readLogins(invocation: Invocation): Promise<Logins> {
  const { oauthSources, tellLogin } = await import("./upstream-login.ts");
  return new Map(oauthSources(invocation).map((source) => [source.name, tellLogin(source)]));
}

function list(invocation: Invocation, sources: readonly Source[], logins: Logins): Exit {
  const all = sources.map((source) => {
    const [tools, prompts] = boardsOf(invocation, source);
    const { name, kind } = source;
    const login = logins.get(name);
    return {
      ...(login && { login }),
      ...{ name, kind, looked: tools.pins?.looked ?? null, left: tools.pins?.left ?? 0 },
      tools: toOffers(source, tools),
      prompts: toOffers(source, prompts),
    };
  });
  const rows = all.flatMap(({ name, kind, looked, login, tools, prompts }) => [
    [name, kind, looked === null ? "never seen: start the server" : `seen ${looked.slice(0, 16).replace("T", " ")}`],
    ...(login ? [["", "login", login.says]] : []),
    ...tools.map(({ tool, state, effect }) => [`  ${inert(tool)}`, effect, says[state]]),
    ...prompts.map(({ tool, state }) => [`  ${inert(tool)}`, "prompt", says[state]]),
  ]);
  const waiting = all
    .flatMap(({ tools, prompts }) => [...tools, ...prompts])
    .filter(({ state }) => state === "new" || state === "changed").length;
  const next = waiting === 0 ? "" : `\n\n${toCount(waiting, "waits", "wait")} for you: portcullis upstream show NAME`;
  print(
    invocation.output,
    { sources: all },
    sources.length === 0 ? "The configuration names no sources: docs/upstream.md." : `${toTable(rows)}${next}`,
  );
  return exits.ok;
}

function show(invocation: Invocation, source: Source, wanted: string | undefined): Exit {
  const boards = boardsOf(invocation, source);
  const known = boards.some(({ pins }) => pins !== undefined);
  const shown = boards.flatMap((board) =>
    toOffers(source, board)
      .filter(({ name, tool }) => wanted === undefined || wanted === name || wanted === tool)
      .map((one) => ({ ...one, ...board.pins?.tools[one.name] })),
  );
  if (shown.length === 0)
    throw new CommandError(
      exits.no,
      known ? `${source.name} has no such tool or prompt.` : `${source.name} was never seen.`,
      known ? `portcullis upstream show ${source.name}` : "portcullis serve starts it",
    );
  print(invocation.output, { name: source.name, tools: shown }, inert(shown.map(toText).join("\n\n")));
  return exits.ok;
}

type Shown = ReturnType<typeof toOffers>[number] & Pinned;

function toText({ kind, tool, name, state, effect, labels, accepted, held }: Shown): string {
  const what = kind === "prompt" ? "a prompt" : `counts as ${effect}`;
  const head = `${tool} (${name}): ${says[state]}; ${what}, ${JSON.stringify(labels)}`;
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
  const boards = boardsOf(invocation, source);
  if (boards.every(({ pins }) => pins === undefined))
    throw new CommandError(exits.no, `${source.name} was never seen.`, "portcullis serve starts it");
  const taking = boards.flatMap((board) => {
    if (!board.pins) return [];
    const offers = toOffers(source, board);
    const names = named.map((one) => offers.find(({ name, tool }) => name === one || tool === one)?.name ?? one);
    return [{ board, offers, ...take(board.pins, named.length === 0 ? undefined : names) }];
  });
  const taken = taking.flatMap((one) => one.taken);
  const missing = named.filter(
    (one) =>
      !taking.some(({ offers, taken }) =>
        offers.some(({ name, tool }) => (name === one || tool === one) && taken.includes(name)),
      ),
  );
  if (missing.length > 0)
    throw new CommandError(
      exits.no,
      `Nothing waits under ${inert(missing.join(", "))}; nothing was taken.`,
      `portcullis upstream show ${source.name}`,
    );
  for (const { board, pins, taken } of taking) if (taken.length > 0) writePins(board.file, pins);
  print(
    invocation.output,
    { name: source.name, accepted: taken },
    taken.length === 0
      ? `Nothing of ${source.name} waits for you.`
      : `Took ${inert(taken.join(", "))} of ${source.name}. A running server shows them within a second, to whom a policy opens them.`,
  );
  return exits.ok;
}
