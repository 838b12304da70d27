import { clientFiles } from "./client-entries.ts";
import { type Command, common } from "./command.ts";
import type { Listed } from "./commands.ts";
import { CommandError, exits } from "./exit.ts";

/** What can be completed after a command. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly string[];
  readonly options: readonly { readonly name: string; readonly help: string; readonly value: boolean }[];
}

/** The command that knows all commands. */
export const createCompletion = (commands: Readonly<Record<string, Listed>>): Command => ({
  usage: "bash|zsh|fish",
  summary: "Print the script by which a shell completes these commands",
  options: {},
  async run({ positionals: [shell = ""], output }) {
    const write = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
    if (!write)
      throw new CommandError(exits.usage, "completion needs one of: bash, zsh, fish.", "portcullis completion bash");
    const listed = await Promise.all(
      Object.entries(commands).map(async ([name, { summary, load }]): Promise<Completed> => {
        const { usage, options } = await load();
        const all = Object.entries({ ...options, ...common });
        const told = all.map(([option, { type, help }]) => ({ name: option, help, value: type === "string" }));
        return { name, summary, words: wordsOf(name, usage), options: told };
      }),
    );
    output.out(write(listed));
    return exits.ok;
  },
});

/** The fixed words that a usage line begins with, such as its verbs. */
function wordsOf(name: string, usage: string): readonly string[] {
  if (name === "init") return [];
  if (name === "connect") return [...Object.keys(clientFiles), "chatgpt"];
  const words = usage.split("|").flatMap((part) => /^[\s[]*([a-z][a-z-]*)(?=$|[\s\]])/.exec(part)?.[1] ?? []);
  return [...new Set(words)];
}

const shells: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
  bash: toBash,
  zsh: toZsh,
  fish: toFish,
};

const words = ({ words: own, options }: Completed): string =>
  [...own, ...options.map(({ name }) => `--${name}`)].join(" ");

function toBash(commands: readonly Completed[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${words(command)}" ;;`);
  return [
    "# portcullis completion for bash",
    "_portcullis() {",
    `  local word="\${COMP_WORDS[COMP_CWORD]}" words=""`,
    `  case "\${COMP_WORDS[1]}" in`,
    ...cases,
    "  esac",
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")} --help --version"; fi`,
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -o default -F _portcullis portcullis",
  ].join("\n");
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const escaped = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");

function toZsh(commands: readonly Completed[]): string {
  const cases = commands.flatMap((command) => {
    const options = command.options.map(
      ({ name, help, value }) => `      ${quoted(`--${name}[${escaped(help)}]${value ? ":value:_default" : ""}`)}`,
    );
    const own = command.words.length > 0 ? `(${command.words.join(" ")})` : "_files";
    return [
      `    ${command.name}) args=(`,
      ...options,
      `      ${quoted(`1:what:${own}`)}`,
      "      '*:file:_files'",
      "    ) ;;",
    ];
  });
  return [
    "#compdef portcullis",
    "_portcullis() {",
    "  local -a commands args",
    "  commands=(",
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    "  )",
    "  if (( CURRENT == 2 )); then _describe 'command' commands; return; fi",
    '  case "$words[2]" in',
    ...cases,
    "  esac",
    "  shift words; (( CURRENT-- ))",
    '  _arguments -s "$args[@]"',
    "}",
    '_portcullis "$@"',
  ].join("\n");
}

function toFish(commands: readonly Completed[]): string {
  const line = (condition: string, rest: string): string => `complete -c portcullis -n ${quoted(condition)} ${rest}`;
  return [
    "# portcullis completion for fish",
    ...commands.flatMap(({ name, summary, words: own, options }) => {
      const within = `__fish_seen_subcommand_from ${name}`;
      return [
        line("__fish_use_subcommand", `-f -a ${name} -d ${quoted(summary)}`),
        ...own.map((word) => line(within, `-a ${word}`)),
        ...options.map(({ name: option, help, value }) =>
          line(within, `-l ${option}${value ? " -r" : ""} -d ${quoted(help)}`),
        ),
      ];
    }),
  ].join("\n");
}
