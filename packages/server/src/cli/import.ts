import type { ExportKind } from "../chat-archive/take-export.ts";
import { createRedactor } from "../redaction/redactor.ts";
import { readTarget, targetOptions } from "./client-target.ts";
import type { Command } from "./command.ts";
import { exits } from "./exit.ts";
import { type ImportPlan, planImport } from "./import-plan.ts";
import { applyImport, undoImport } from "./import-steps.ts";
import { toDifference } from "./line-difference.ts";
import { print } from "./output.ts";
import { inert, toCount } from "./terminal-text.ts";

export const importServers: Command = {
  usage: "chatgpt|claude-chats EXPORT | codex|claude|claude-desktop|cursor|gemini|vscode [--stdio DIR…]",
  summary: "Take in chats from an export, or the MCP servers of a client as upstreams with Portcullis in their place",
  options: {
    "dry-run": { type: "boolean", help: "show what would be written, and write nothing" },
    undo: { type: "boolean", help: "take the last import back: the chats, or give the client its servers back" },
    ...targetOptions,
  },
  async run(invocation) {
    const { values, output, data, env, positionals } = invocation;
    const kind = exportKinds[positionals[0] ?? ""];
    if (kind) return (await import("./import-chats.ts")).importChats(invocation, kind);
    const target = readTarget("import", invocation);
    if (values.undo) {
      const { back, kept } = undoImport(target, data);
      const rest = kept.length === 0 ? "" : ` Changed since, so still a source: ${kept.join(", ")}.`;
      print(
        output,
        { client: target.name, back, kept },
        inert(`${target.name} has back: ${back.join(", ") || "nothing"}.${rest}`),
      );
      return exits.ok;
    }
    const plan = planImport(invocation, target);
    const said = {
      client: target.name,
      file: target.file,
      config: plan.config,
      moved: plan.moved.map(({ entry, source }) => ({ entry, source: source.name })),
      stays: plan.stays,
      secrets: plan.secrets.map(({ file }) => file),
    };
    if (plan.moved.length === 0) {
      print(
        output,
        { ...said, written: false },
        [`There is nothing to take over in ${target.file}.`, ...tellStays(plan)].join("\n"),
      );
      return exits.no;
    }
    if (values["dry-run"]) {
      const difference = toShown(plan);
      print(
        output,
        { ...said, written: false, difference },
        [...difference, ...tellStays(plan), "Nothing was written."].join("\n"),
      );
      return exits.ok;
    }
    const { copies } = applyImport(plan, data, env);
    const lines = [
      ...plan.moved.map(({ entry, source }) => inert(`${entry} is now the upstream ${source.name}`)),
      ...(plan.secrets.length > 0
        ? [`${toCount(plan.secrets.length, "secret")} moved into ${data}/secrets, for you alone`]
        : []),
      ...tellStays(plan),
      ...copies.map((copy) => `As it was: ${copy}`),
      ...(target.next === "" ? [] : [target.next]),
      "Next: start the server, see their tools (portcullis upstream list), and open to a subject what it may use (docs/upstream.md). Until then nobody may.",
      `To go back: portcullis import ${target.name} --undo`,
    ];
    print(output, { ...said, written: true, copies }, lines.join("\n"));
    return exits.ok;
  },
};

/** Whose exports are taken, by the word for it. */
const exportKinds: Readonly<Record<string, ExportKind | undefined>> = Object.assign(Object.create(null), {
  chatgpt: "chatgpt",
  "claude-chats": "claude",
});

const tellStays = ({ stays }: ImportPlan): readonly string[] =>
  stays.map(({ entry, why }) => inert(`${entry} stays where it is: ${why}`));

/** What would change, with secrets masked: those that move, and whatever else looks like one. */
function toShown({ target, config, before, after, secrets }: ImportPlan): readonly string[] {
  const redactor = createRedactor();
  const hide = (text: string): string => {
    const hidden = secrets.reduce(
      (shown, { value }) =>
        [value, JSON.stringify(value).slice(1, -1)].reduce((one, spelt) => one.replaceAll(spelt, "(secret)"), shown),
      text,
    );
    return redactor.scrubText(hidden).value;
  };
  const show = (file: string, from: string, to: string): readonly string[] =>
    from === to ? [] : [`--- ${file}`, hide(toDifference(from, to).join("\n"))];
  return [
    ...secrets.map(({ file }) => `+++ ${file} (a secret, for you alone)`),
    ...show(config, before.config, after.config),
    ...show(target.file, before.client, after.client),
  ].map(inert);
}
