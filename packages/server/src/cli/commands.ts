import type { Command } from "./command.ts";

export interface Listed {
  /** As the command itself says: here so that the list of all is shown without loading any. */
  readonly summary: string;
  /** Whole command lines, as a person would type them. */
  readonly examples: readonly string[];
  /** Its file is loaded only when it is asked for. */
  load(): Promise<Command>;
}

/** All verbs of the command line, in the order in which they are told. */
export const commands: Readonly<Record<string, Listed>> = {
  init: {
    summary: "Set everything up, step by step, until a client is connected; run it again to go on",
    examples: ["portcullis init", "portcullis init --folder ~/notes --client codex --yes"],
    load: async () => (await import("./init.ts")).init,
  },
  serve: {
    summary: "Serve folders to AI clients on every door",
    examples: ["portcullis serve ~/notes", "portcullis serve ~/notes ~/src --port 8090 --profile chatgpt"],
    load: async () => (await import("./serve.ts")).serve,
  },
  stdio: {
    summary: "Serve one MCP client on stdin and stdout",
    examples: ["portcullis stdio ~/notes --subject codex@local"],
    load: async () => (await import("./stdio.ts")).stdio,
  },
  chat: {
    summary: "Talk with a model of yours that uses these tools, under the same policy and audit as any client",
    examples: [
      "portcullis chat",
      'portcullis chat "What did I plan for Thursday?" --model local',
      'echo "What is new?" | portcullis chat --json',
    ],
    load: async () => (await import("./chat.ts")).chat,
  },
  search: {
    summary: "Search what a server of this data folder has indexed, through the same corridor as any client",
    examples: ['portcullis search "deploy checklist" --passages', 'portcullis search "tag:garden -walnut" --json'],
    load: async () => (await import("./search.ts")).search,
  },
  cite: {
    summary: "Read a cited span back from its source, and tell whether it is still what was cited",
    examples: ["portcullis cite 'notes/plan.md#bytes=10-90'", 'portcullis search "plan" --json | portcullis cite -'],
    load: async () => (await import("./cite.ts")).cite,
  },
  index: {
    summary: "Index folders before they are served, and tell what the index has, waits for and cannot read",
    examples: ["portcullis index status --watch", "portcullis index add ~/notes"],
    load: async () => (await import("./index.ts")).index,
  },
  session: {
    summary: "List who is connected, and end a session",
    examples: ["portcullis session list", "portcullis session revoke 01JD…"],
    load: async () => (await import("./session.ts")).session,
  },
  client: {
    summary: "List the programs that log in by OAuth with what they were granted, and take it back",
    examples: ["portcullis client list", "portcullis client revoke chatgpt"],
    load: async () => (await import("./client.ts")).client,
  },
  fs: {
    summary: "List the old versions of files that tools have written, and put one back",
    examples: ["portcullis fs versions notes/todo.md", "portcullis fs undo 01JD…"],
    load: async () => (await import("./fs.ts")).fs,
  },
  token: {
    summary: "Make, list and revoke the tokens that clients log in with",
    examples: ["portcullis token create laptop --subject duck@home --expires 30d", "portcullis token revoke laptop"],
    load: async () => (await import("./token.ts")).token,
  },
  pair: {
    summary: "Pair the script in a browser, which then may keep your chats and search, and nothing else",
    examples: ["portcullis pair", "portcullis pair firefox --folder notes --expires 30d"],
    load: async () => (await import("./pair.ts")).pair,
  },
  policy: {
    summary: "Tell what is wrong with the policies, prove what they do, and what a change of them changes",
    examples: [
      "portcullis policy check",
      "portcullis policy explain duck@home fs.readFile ~/notes/todo.md",
      "portcullis policy suggest --since 7d",
    ],
    load: async () => (await import("./policy.ts")).policy,
  },
  consent: {
    summary: "Answer what clients ask for beyond the policy; without a verb, as they ask",
    examples: ["portcullis consent", "portcullis consent answer 01JD… allow --folder --for 1h"],
    load: async () => (await import("./consent.ts")).consent,
  },
  audit: {
    summary: "Show what happened, and check that the record of it is whole",
    examples: [
      "portcullis audit tail -f",
      "portcullis audit query --subject duck@home --since 24h --json",
      "portcullis audit verify",
    ],
    load: async () => (await import("./audit.ts")).audit,
  },
  flow: {
    summary: "Show what each line of work has been given, and by which call",
    examples: ["portcullis flow list", "portcullis flow show 01JD…"],
    load: async () => (await import("./flow.ts")).flow,
  },
  upstream: {
    summary: "Tell what other servers offer, take what is new or changed of it as it is now, and log in to them",
    examples: ["portcullis upstream list", "portcullis upstream accept github", "portcullis upstream login tracker"],
    load: async () => (await import("./upstream.ts")).upstream,
  },
  connect: {
    summary: "Connect a client: print its entry or write it, check it by a real call, take it back",
    examples: [
      "portcullis connect codex --write --check",
      "portcullis connect gemini --stdio ~/notes --write",
      "portcullis connect cursor --undo",
      "portcullis connect chatgpt --url https://notes.example.org --check",
    ],
    load: async () => (await import("./connect.ts")).connect,
  },
  adapter: {
    summary: "Begin a source of your own, and check that it keeps to what the server counts on",
    examples: ["portcullis adapter new weather", "portcullis adapter check ./weather.mjs"],
    load: async () => (await import("./adapter.ts")).adapter,
  },
  import: {
    summary: "Take in chats from an export, or the MCP servers of a client as upstreams with Portcullis in their place",
    examples: [
      "portcullis import chatgpt ~/Downloads/chatgpt-export.zip --dry-run",
      "portcullis import chatgpt --undo",
      "portcullis import codex --dry-run",
      "portcullis import claude --undo",
    ],
    load: async () => (await import("./import.ts")).importServers,
  },
  doctor: {
    summary: "Look at everything that can be wrong, and say what to do",
    examples: ["portcullis doctor", "portcullis doctor --fix"],
    load: async () => (await import("./doctor.ts")).doctor,
  },
  completion: {
    summary: "Print the script by which a shell completes these commands",
    examples: [
      "portcullis completion bash > ~/.local/share/bash-completion/completions/portcullis",
      "portcullis completion zsh > ~/.zfunc/_portcullis",
      "portcullis completion fish > ~/.config/fish/completions/portcullis.fish",
    ],
    load: async () => (await import("./completion.ts")).createCompletion(commands),
  },
};
