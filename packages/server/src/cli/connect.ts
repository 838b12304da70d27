import { ourName } from "./client-entries.ts";
import { onFile, readClientFile, readTarget, targetOptions } from "./client-target.ts";
import type { Command } from "./command.ts";
import { exits } from "./exit.ts";
import { print } from "./output.ts";
import { keepCopy, replaceText } from "./replace-text.ts";

export const connect: Command = {
  usage: "codex|claude|claude-desktop|cursor|vscode [--stdio DIR…] [--write]",
  summary: "Print the entry for a client's configuration, or merge it into the client's file",
  options: {
    write: { type: "boolean", help: "merge the entry into the client's file; a copy of the file is kept beside it" },
    ...targetOptions,
  },
  async run(invocation) {
    const { values, output } = invocation;
    const { name, client, file, way, next } = readTarget("connect", invocation);
    if (!values.write) {
      print(
        output,
        { client: name, file, entry: client.print(way) },
        `# for ${file}\n${client.print(way)}${next ? `\n\n# ${next}` : ""}`,
      );
      return exits.ok;
    }
    const merged = onFile(file, "Mend it, or paste the entry that this prints without --write.", () =>
      client.edit(readClientFile(file), { [ourName]: client.entry(way) }),
    );
    const copy = keepCopy(file);
    replaceText(file, merged);
    print(
      output,
      { client: name, file, copy },
      `Wrote the entry into ${file}.${copy ? ` The file as it was: ${copy}` : ""}${next ? `\n${next}` : ""}`,
    );
    return exits.ok;
  },
};
