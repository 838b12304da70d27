import { ourName } from "./client-entries.ts";
import { type ClientTarget, onFile, readClientFile, readTarget, targetOptions } from "./client-target.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { checkChatGpt, tellChatGpt } from "./connect-chatgpt.ts";
import { checkEntry, type Step, toStepText } from "./connect-check.ts";
import { undoEntry } from "./connect-undo.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type Output, print } from "./output.ts";
import { keepCopy, replaceText } from "./replace-text.ts";

export const connect: Command = {
  usage: "chatgpt|codex|claude|claude-desktop|cursor|gemini|vscode [--stdio DIR…] [--write] [--check] [--undo]",
  summary: "Connect a client: print its entry or write it, check it by a real call, take it back",
  options: {
    write: { type: "boolean", help: "merge the entry into the client's file; a copy of the file is kept beside it" },
    check: { type: "boolean", help: "make a real call through the entry that stands in the client's file" },
    undo: { type: "boolean", help: "take the entry out again, and put back the one that it replaced" },
    query: { type: "string", help: "what --check searches for (default portcullis)" },
    ...targetOptions,
  },
  async run(invocation) {
    const { values, positionals, output } = invocation;
    const query = text(values, "query") ?? "portcullis";
    if (values.undo && (values.write || values.check))
      throw new CommandError(exits.usage, "--undo takes neither --write nor --check.", "portcullis connect --help");
    if (positionals[0] === "chatgpt") {
      if (values.write || values.undo)
        throw new CommandError(
          exits.usage,
          "ChatGPT keeps its connectors on its own site: there is no file to write.",
          "portcullis connect chatgpt",
        );
      if (!values.check) return tellChatGpt(invocation);
      return tellSteps(output, "chatgpt", await checkChatGpt(invocation, query));
    }
    const target = readTarget("connect", invocation);
    if (values.undo) return undoEntry(target, output);
    if (values.write) write(target, values.check ? undefined : output);
    if (values.check) return tellSteps(output, target.name, await checkEntry(target, { env: invocation.env, query }));
    if (!values.write) show(target, invocation);
    return exits.ok;
  },
};

function show({ name, client, file, way, next }: ClientTarget, { output }: Invocation): void {
  print(
    output,
    { client: name, file, entry: client.print(way) },
    `# for ${file}\n${client.print(way)}${next ? `\n\n# ${next}` : ""}`,
  );
}

/** Merges our entry into a client's file, of which a copy is kept. */
export function write({ name, client, file, way, next }: ClientTarget, output?: Output): void {
  const merged = onFile(file, "Mend it, or paste the entry that this prints without --write.", () =>
    client.edit(readClientFile(file), { [ourName]: client.entry(way) }),
  );
  const copy = merged === readClientFile(file) ? undefined : keepCopy(file);
  if (merged !== readClientFile(file)) replaceText(file, merged);
  if (!output) return;
  print(
    output,
    { client: name, file, copy },
    `Wrote the entry into ${file}.${copy ? ` The file as it was: ${copy}` : ""}${next ? `\n${next}` : ""}`,
  );
}

function tellSteps(output: Output, client: string, steps: readonly Step[]): Exit {
  const ok = steps.every(({ state }) => state !== "bad");
  print(output, { client, ok, steps }, toStepText(steps));
  return ok ? exits.ok : exits.no;
}
