import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readSettings } from "../config/read-settings.ts";
import { toServedFolders } from "../served-folders.ts";
import { createLines, type Lines } from "./chat-lines.ts";
import { clientFiles } from "./client-entries.ts";
import { defaultFile, readTarget, targetOptions } from "./client-target.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { toStepText } from "./connect-check.ts";
import { CommandError, exits } from "./exit.ts";
import { configOf } from "./import-plan.ts";
import { applyInit, type InitPlan } from "./init-steps.ts";
import { print } from "./output.ts";

export const init: Command = {
  usage: "[DIR…] [--client codex] [--way stdio|http] [--yes]",
  summary: "Set everything up, step by step, until a client is connected; run it again to go on",
  options: {
    folder: {
      type: "string",
      multiple: true,
      help: "a folder that clients may search and read; may be given more than once",
    },
    client: { type: "string", help: `which client to connect: ${Object.keys(clientFiles).join(", ")}, or none` },
    way: {
      type: "string",
      help: "stdio: the client starts Portcullis itself (default); http: it asks a server that runs",
    },
    subject: { type: "string", help: "whom policy judges the client as (default CLIENT@local)" },
    yes: { type: "boolean", help: "ask nothing: take what the options say, and the defaults" },
    file: targetOptions.file,
  },
  async run(invocation) {
    const { values, output, positionals } = invocation;
    const asked = [...positionals, ...list(values.folder)];
    if (values.yes && asked.length === 0 && known(invocation).length === 0)
      throw new CommandError(
        exits.usage,
        "--yes needs the folders.",
        "portcullis init --folder ~/notes --client codex --yes",
      );
    const lines = values.yes ? undefined : createLines(process.stdin, process.stderr);
    if (lines) lines.interrupt = () => lines.close();
    let plan: InitPlan | undefined;
    try {
      plan = await makePlan(invocation, asked, lines);
    } finally {
      lines?.close();
      process.stdin.unref?.();
    }
    if (!plan) {
      output.err("Nothing was written.");
      return exits.no;
    }
    const { steps, ownerToken, next, connected } = await applyInit(plan);
    print(
      output,
      {
        ...{ client: plan.client, subject: plan.subject, folders: plan.folders, data: plan.invocation.data },
        ...{ file: plan.target?.file, connected, steps, next, ...(ownerToken && { ownerToken }) },
      },
      [
        toStepText(steps),
        ...(ownerToken
          ? ["", `The owner's token, shown this once (it answers requests on the consent page): ${ownerToken}`]
          : []),
        ...["", "What to do next:", ...next.map((line) => `  ${line}`)],
      ].join("\n"),
    );
    return steps.every(({ state }) => state !== "bad") ? exits.ok : exits.no;
  },
};

const list = (value: Invocation["values"][string]): readonly string[] =>
  Array.isArray(value) ? value : typeof value === "string" ? [value] : [];

const known = (invocation: Invocation): readonly string[] =>
  readSettings(invocation.data, toConfig(invocation), invocation.env).folders;

const toConfig = ({ values }: Invocation): { readonly config?: string } => {
  const config = text(values, "config");
  return config !== undefined && existsSync(config) ? { config } : {};
};

/** Asks what is not told; undefined when the owner does not want it. Nothing is written before the last answer. */
async function makePlan(
  invocation: Invocation,
  asked: readonly string[],
  lines: Lines | undefined,
): Promise<InitPlan | undefined> {
  const { values, env, data, output } = invocation;
  const home = env.HOME ?? homedir();
  const told = asked.length > 0 ? asked : known(invocation);
  const folders = checkFolders(
    told.length > 0
      ? told
      : splitFolders(
          await question(lines, "Which folders may clients search and read? (commas between them)", "", "--folder"),
        ),
    home,
  );
  const client = checkClient(
    text(values, "client") ??
      (await question(lines, `Which client? ${Object.keys(clientFiles).join(", ")}, none`, likely(env), "--client")),
  );
  const file = clientFiles[client];
  const way = checkWay(
    text(values, "way") ??
      (client === "none" || file?.http === false
        ? "stdio"
        : await question(
            lines,
            "How? stdio: it starts Portcullis itself; http: it asks a server that runs",
            "stdio",
            "--way",
          )),
    client,
  );
  const subject =
    text(values, "subject") ?? `${client === "none" ? "owner" : client}${client === "none" ? "" : "@local"}`;
  if (!/^[\w.@:+/-]{1,128}$/.test(subject))
    throw new CommandError(exits.usage, "A subject is letters, digits and . _ @ : + / - only, such as duck@home.");
  const inner = { ...invocation, positionals: [client], values: { ...values, stdio: way === "stdio", subject } };
  const target = client === "none" ? undefined : readTarget("init", inner);
  const plan: InitPlan = { invocation, folders, client, way, subject, target, config: configOf(invocation) };
  if (!lines) return plan;
  output.err(
    [
      "",
      `  folders   ${folders.join(", ")}`,
      `  data      ${data}`,
      ...(target
        ? [`  client    ${client}, as ${subject}, by ${way}; its file is ${target.file} (a copy is kept)`]
        : []),
      "  policy    search and read these folders, but for what usually holds secrets",
    ].join("\n"),
  );
  const answer = await question(lines, "Write this?", "yes", "--yes");
  return /^y(es)?$/i.test(answer) ? plan : undefined;
}

async function question(lines: Lines | undefined, says: string, otherwise: string, flag: string): Promise<string> {
  if (!lines) return otherwise;
  const line = await lines.next(`${says}${otherwise === "" ? "" : ` [${otherwise}]`} `);
  if (line === undefined)
    throw new CommandError(
      exits.usage,
      `The input ended before this was answered: ${says}`,
      `Answer it with ${flag}. Nothing was written.`,
    );
  return line.trim() === "" ? otherwise : line.trim();
}

const splitFolders = (line: string): readonly string[] =>
  line
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);

function checkFolders(given: readonly string[], home: string): readonly string[] {
  if (given.length === 0)
    throw new CommandError(exits.usage, "No folder was named.", "portcullis init --folder ~/notes");
  const paths = given.map((one) => resolve(one.replace(/^~(?=\/|$)/, home)));
  return toServedFolders(paths).map(({ path }) => path || "/");
}

function checkClient(name: string): string {
  if (name === "none" || Object.hasOwn(clientFiles, name)) return name;
  throw new CommandError(
    exits.usage,
    `${JSON.stringify(name)} is no client that is known here.`,
    `--client is one of: ${Object.keys(clientFiles).join(", ")}, none`,
  );
}

function checkWay(way: string, client: string): InitPlan["way"] {
  if (way !== "stdio" && way !== "http") throw new CommandError(exits.usage, "--way is stdio or http.");
  if (way === "http" && clientFiles[client]?.http === false)
    throw new CommandError(exits.usage, `${client} can only start servers itself: --way stdio.`);
  return way;
}

/** The first client that has been used here. */
function likely(env: Invocation["env"]): string {
  const used = Object.entries(clientFiles).find(([, client]) => {
    const file = defaultFile(client, env);
    return (
      existsSync(file) ||
      (dirname(file) !== join(env.HOME ?? homedir()) &&
        existsSync(dirname(file)) &&
        statSync(dirname(file)).isDirectory())
    );
  });
  return used?.[0] ?? "codex";
}
