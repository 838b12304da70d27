import { plain } from "@portcullis/contracts";
import { labelsOfModel } from "../adapters/sampling/sampling-adapter.ts";
import { type Chat, createChat } from "../chat/chat.ts";
import type { Asked, ChatEvent } from "../chat/chat-events.ts";
import type { ChatModel } from "../chat/chat-model.ts";
import { openChatModel } from "../chat/open-model.ts";
import { type ReadModel, readModels } from "../config/read-sources.ts";
import { createLines, type Lines } from "./chat-lines.ts";
import { type Login, logIn } from "./chat-login.ts";
import { type OwnerDesk, openDeskByToken, openOwnDesk, toAnswer, toWords } from "./chat-owner.ts";
import { type ChatScreen, createJsonScreen, createTextScreen, toJsonLine } from "./chat-screen.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { settingsOf } from "./settings-of.ts";
import { lookOf } from "./terminal-text.ts";

const waitMs = 600_000;

export const chat: Command = {
  usage: "[QUESTION] [--model NAME] [--tools search,fetch] [--json]",
  summary: "Talk with a model of yours that uses these tools, under the same policy and audit as any client",
  options: {
    model: { type: "string", help: "one of the configuration's models, or ollama:NAME for one of a local Ollama" },
    tools: { type: "string", help: "only these tools, such as search,fetch,fs.*" },
    subject: { type: "string", help: "whom policy judges the chat as (default owner)" },
    consent: {
      type: "string",
      help: "what to do when the owner could allow a refused call: ask them here, wait for their answer elsewhere, or go on (default ask on a terminal, else go on)",
    },
    url: { type: "string", help: "another server's connector; its token is taken from PORTCULLIS_TOKEN" },
  },
  async run(invocation) {
    const model = chooseModel(invocation);
    const consent = text(invocation.values, "consent") ?? defaultConsent(invocation);
    if (!/^(ask|wait|go-on)$/.test(consent))
      throw new CommandError(exits.usage, "--consent is one of: ask, wait, go-on.", "portcullis chat --help");
    const login = await logIn(invocation);
    let owner: OwnerDesk | undefined;
    try {
      if (consent === "ask") owner = await openOwner(invocation, login);
      const tools = (text(invocation.values, "tools") ?? "").split(",").filter(Boolean);
      const consentMs = consent === "go-on" ? 0 : waitMs;
      return await converse(invocation, {
        chat: createChat({ server: login.client, model, tools, consentMs }),
        owner,
        model,
        login,
      });
    } finally {
      await owner?.close();
      await login.client.close();
      await login.end();
    }
  },
};

const defaultConsent = ({ output }: Invocation): string =>
  process.stdin.isTTY === true && output.terminal && !output.json ? "ask" : "go-on";

async function openOwner(invocation: Invocation, { own, url }: Login): Promise<OwnerDesk> {
  const token = invocation.env.PORTCULLIS_OWNER_TOKEN;
  if (token) return openDeskByToken(url, token);
  if (own) return openOwnDesk(invocation);
  throw new CommandError(
    exits.noPermission,
    "Requests of a server elsewhere can be answered here only with its owner's token.",
    "Put it into PORTCULLIS_OWNER_TOKEN, or take --consent wait or --consent go-on.",
  );
}

function chooseModel(invocation: Invocation): ChatModel {
  const { models } = settingsOf({ ...invocation, positionals: [] });
  const named = text(invocation.values, "model");
  const local = /^ollama:(.{1,256})$/.exec(named ?? "")?.[1];
  if (local !== undefined) {
    const model: ReadModel = { name: "ollama", kind: "ollama", url: "http://127.0.0.1:11434", model: local };
    return open(model);
  }
  const known = read(models, invocation);
  const model = named === undefined ? known[0] : known.find(({ name }) => name === named);
  if (!model)
    throw new CommandError(
      exits.config,
      named === undefined
        ? "The configuration names no model."
        : `The configuration names no model ${JSON.stringify(named)}.`,
      known.length > 0
        ? `It has: ${known.map(({ name }) => name).join(", ")}.`
        : "Name one under models (docs/chat.md), or try --model ollama:qwen3:8b with a local Ollama.",
    );
  return open(model);
}

function open(model: ReadModel): ChatModel {
  try {
    return openChatModel(model, { ...labelsOfModel(model, model.leaves), clearance: model.clearance });
  } catch (error) {
    throw new CommandError(
      exits.config,
      `The model ${model.name} cannot be used: ${(error as Error).message}`,
      "docs/sampling.md tells how a model is written.",
    );
  }
}

function read(models: Parameters<typeof readModels>[0], { env }: Invocation): readonly ReadModel[] {
  try {
    return readModels(models, env).models;
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/sampling.md tells how a model is written.");
  }
}

interface Talking {
  readonly chat: Chat;
  readonly owner: OwnerDesk | undefined;
  readonly model: ChatModel;
  readonly login: Login;
}

async function converse(invocation: Invocation, talking: Talking): Promise<Exit> {
  const { output, positionals, env } = invocation;
  const { chat, model, login } = talking;
  const streams = {
    out: (piece: string) => void process.stdout.write(piece),
    err: (piece: string) => void process.stderr.write(piece),
  };
  const screen = output.json ? createJsonScreen(output) : createTextScreen(streams, lookOf(process.stderr, env));
  const lines = createLines(process.stdin, process.stderr);
  let asking: AbortController | undefined;
  const interrupt = (): void => (asking ? asking.abort() : lines.close());
  lines.interrupt = interrupt;
  // A second one while the first is being obeyed ends everything, in order.
  const end = (): void => {
    asking?.abort();
    lines.close();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", end).on("SIGHUP", end);
  let last: Exit = exits.ok;
  const put = async (question: string): Promise<void> => {
    asking = new AbortController();
    try {
      last = await ask(question, asking.signal, { ...talking, screen, lines, json: output.json });
    } finally {
      asking = undefined;
    }
  };
  const once = positionals.join(" ").trim();
  try {
    if (once !== "") {
      await put(once);
      return last;
    }
    const where = model.host === undefined ? "on this machine" : `at ${model.host}: what tools answer is sent there`;
    if (output.terminal && !output.json)
      output.err(
        `${model.name}, ${where}. You are ${login.client.session?.subject ?? "unknown"}. /help tells more; Ctrl-D ends.`,
      );
    for (;;) {
      const line = (await lines.next("\n> "))?.trim();
      if (line === undefined || line === "/quit") return last;
      if (line.startsWith("/")) await command(line, { chat, screen, output, login });
      else if (line !== "") await put(line);
    }
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", end).off("SIGHUP", end);
    lines.close();
    process.stdin.unref?.();
  }
}

interface Asking extends Talking {
  readonly screen: ChatScreen;
  readonly lines: Lines;
  readonly json: boolean;
}

async function ask(question: string, signal: AbortSignal, asking: Asking): Promise<Exit> {
  let answering = new AbortController();
  let last: ChatEvent | undefined;
  for await (const event of asking.chat.ask(question, signal)) {
    if (event.type === "decided") answering.abort();
    asking.screen.show(event);
    if (event.type === "consent" && event.waits && asking.owner) {
      answering = new AbortController();
      const either = AbortSignal.any([signal, answering.signal]);
      void askOwner(event, either, asking).catch((error: unknown) => process.stderr.write(`${toWords(error)}\n`));
    }
    last = event;
  }
  answering.abort();
  return last?.type === "answer" ? exits.ok : last?.type === "stopped" ? exits.no : exits.unavailable;
}

/** Puts a request to the owner, who sits here. The chat hears of the answer from the server, as from anywhere else. */
async function askOwner(asked: Asked, signal: AbortSignal, { owner, lines, json }: Asking): Promise<void> {
  const put = await owner?.find(asked.request);
  if (!owner || !put || signal.aborted) return;
  if (json) process.stdout.write(`${toJsonLine({ event: "request", request: asked.request, offers: put.offers })}\n`);
  else process.stderr.write(`\n${put.text}\n`);
  const line = await lines.next(`Answer (1 to ${put.offers.length}; anything else is no): `, { signal, fresh: true });
  if (signal.aborted) return;
  await owner.answer(asked.request, toAnswer(line ?? "", put));
}

interface Around {
  readonly chat: Chat;
  readonly screen: ChatScreen;
  readonly output: Invocation["output"];
  readonly login: Login;
}

const help = [
  "/open N      read citation N back from its source, and check it",
  "/sources     all that was cited so far",
  "/tools       what the model may use",
  "/new         begin anew: the model forgets what was said",
  "/quit        end (Ctrl-D too); Ctrl-C stops what is under way",
].join("\n");

async function command(line: string, { chat, screen, output, login }: Around): Promise<void> {
  const [verb, argument = ""] = line.split(/\s+/);
  if (verb === "/open") {
    const number = Number(/^\[?(\d{1,4})\]?$/.exec(argument)?.[1] ?? 0);
    const opened = await chat.open(number, AbortSignal.timeout(60_000)).catch((error: unknown) => {
      output.err(toWords(error));
      return undefined;
    });
    screen.opened(opened, number);
  } else if (verb === "/sources") screen.sources(chat.citations());
  else if (verb === "/tools") {
    const { tools } = await login.client.tools();
    output.err(tools.map(({ name, summary }) => plain(`${name}  ${summary}`)).join("\n"));
  } else if (verb === "/new") {
    chat.forget();
    output.err("Forgotten. What this line of work has seen stays with it.");
  } else output.err(help);
}
