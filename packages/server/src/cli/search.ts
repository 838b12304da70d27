import { type Command, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { openServer } from "./open-server.ts";
import { print } from "./output.ts";

interface Result {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly url: string;
}

export const search: Command = {
  usage: "QUERY [--subject owner]",
  summary: "Search what a server of this data folder has indexed, through the same corridor as any client",
  options: {
    subject: { type: "string", help: "whom policy judges the search as (default owner)" },
    limit: { type: "string", help: "how many documents to show (default 10)" },
  },
  async run(invocation) {
    const { values, positionals, output } = invocation;
    const query = positionals.join(" ").trim();
    if (query === "")
      throw new CommandError(exits.usage, "search needs a query.", 'portcullis search "deploy checklist"');
    const limit = Number(text(values, "limit") ?? "10");
    const server = await openServer({ ...invocation, positionals: [] });
    try {
      const outcome = await server.corridor.handleCall({
        door: "cli",
        credential: { kind: "local", subject: text(values, "subject") ?? "owner" },
        name: "search",
        args: { query, limit },
        trace: { purpose: "search on the command line" },
      });
      if (!outcome.ok) {
        print(output, outcome, `${outcome.code}: ${outcome.message}`);
        return exits.no;
      }
      const { results } = outcome.result as { results: readonly Result[] };
      print(output, outcome.result, results.length === 0 ? "Nothing found." : results.map(toText).join("\n\n"));
      return results.length === 0 ? exits.no : exits.ok;
    } finally {
      await server.stop(0);
    }
  },
};

// A terminal must not be steered by what a document holds.
const inert = (value: string): string => value.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, "\u00b7");

const toText = ({ id, title, text: passage, url }: Result): string =>
  inert(
    `${title}  [${id}]\n${passage
      .trim()
      .split("\n")
      .map((line) => `  ${line}`)
      .join("\n")}\n  ${url}`,
  );
