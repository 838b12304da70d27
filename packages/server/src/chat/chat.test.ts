import { hash } from "node:crypto";
import type { Outcome, ToolDescription } from "@portcullis/contracts";
import { expect, test } from "vitest";
import { type ChatOptions, type ChatServer, createChat } from "./chat.ts";
import type { ChatEvent } from "./chat-events.ts";
import type { ChatMessage, ChatModel, ModelPiece, OfferedTool } from "./chat-model.ts";
import { bounded, ModelFault } from "./chat-model.ts";

const tool = (name: string): ToolDescription =>
  ({
    name,
    summary: "Does.",
    safety: "",
    input: { type: "object", properties: { q: { type: "string" } } },
  }) as unknown as ToolDescription;

const call = (name: string, args: unknown, id = "c"): ModelPiece => ({
  kind: "call",
  call: { id, name, args: typeof args === "string" ? args : JSON.stringify(args) },
});
const say = (text: string): ModelPiece => ({ kind: "text", text });

interface Scene {
  readonly calls: { name: string; args: unknown; trace: Record<string, unknown> }[];
  readonly notes: Record<string, unknown>[];
  readonly told: { messages: readonly ChatMessage[]; tools: readonly OfferedTool[] }[];
  readonly chat: ReturnType<typeof createChat>;
}

/** A chat between a model that says these rounds and a server that answers so. */
function scene(
  rounds: readonly (readonly ModelPiece[])[],
  {
    outcome = () => ({ ok: true, result: { fine: true }, auditId: "A" }),
    status = "allowed",
    ...options
  }: Partial<ChatOptions> & {
    outcome?: (times: number) => Outcome | Promise<Outcome>;
    status?: string;
    host?: string;
  } = {},
): Scene {
  const [calls, notes, told]: [Scene["calls"], Scene["notes"], Scene["told"]] = [[], [], []];
  const model: ChatModel = {
    ...{ name: "scripted", host: options.host, clearance: [] },
    async *answer(messages, tools) {
      told.push({ messages: [...messages], tools });
      yield* rounds[Math.min(told.length, rounds.length) - 1] ?? [];
      yield { kind: "end", cut: false };
    },
  };
  const server: ChatServer = {
    tools: async () => ({ tools: [tool("search"), tool("fs.readFile"), tool("fs_readFile")] }),
    async call(name, args = {}, trace = {}) {
      calls.push({ name, args, trace: { ...trace } });
      return outcome(calls.length);
    },
    async request(method, params = {}) {
      if (method === "consent.status") return { state: status };
      notes.push({ ...params });
      return { auditId: `note-${notes.length}` };
    },
  };
  return { calls, notes, told, chat: createChat({ server, model, ...options }) };
}

async function play(
  { chat }: Scene,
  question = "Why?",
  signal = new AbortController().signal,
): Promise<readonly ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of chat.ask(question, signal)) events.push(event);
  return events;
}
const last = (events: readonly ChatEvent[]): ChatEvent | undefined => events.at(-1);
const toolTexts = ({ told }: Scene): readonly string[] =>
  told.at(-1)?.messages.flatMap((message) => (message.role === "tool" ? message.text : [])) ?? [];

const refused = (state = "open"): Outcome => ({
  ...{ ok: false, code: "PERMISSION_DENIED", message: "No.", auditId: "D" },
  details: { consent: { id: "R", state, expiresAt: "2030-01-01T00:00:00Z" } },
});

test("a call carries its purpose, its question and its turn, and never the purpose as an argument", async () => {
  const at = scene(
    [[call("search", { q: "x", purpose: "  to\nknow\u0007 " })], [call("search", { q: "y" })], [say("So.")]],
    {
      outcome: () => ({ ok: true, result: {}, auditId: "A", turn: { handle: "T", limit: 9 } }),
    },
  );
  expect(last(await play(at, "What is it?"))).toEqual({ type: "answer", text: "So.", auditId: "note-2", cut: false });
  expect(at.calls.map(({ args }) => args)).toEqual([{ q: "x" }, { q: "y" }]);
  expect(at.calls[0]?.trace).toMatchObject({ purpose: "to know", parent: "note-1", agent: "portcullis chat" });
  expect(at.calls[1]?.trace).toMatchObject({ purpose: "chat: What is it?", turn: "T" });
  expect(at.notes).toMatchObject([
    { kind: "prompt", text: "What is it?" },
    { kind: "completion", text: "So.", parent: "note-1" },
  ]);
  // The next question hangs on the last answer, and the model still knows the first.
  await play(at, "And now?");
  expect(at.notes[2]).toMatchObject({ kind: "prompt", parent: "note-2" });
  expect(at.told.at(-1)?.messages.some(({ text }) => text === "What is it?")).toBe(true);
});

test("names with dots are offered without, and two that become alike stay apart", async () => {
  const at = scene([[call("fs_readFile", {}), call("fs_readFile_2", {})], [say("So.")]]);
  await play(at);
  expect(at.told[0]?.tools.map(({ name }) => name)).toEqual(["search", "fs_readFile", "fs_readFile_2"]);
  expect(at.calls.map(({ name }) => name)).toEqual(["fs.readFile", "fs_readFile"]);
});

test.each([
  ["no JSON", call("search", "{")],
  ["a list", call("search", "[1]")],
  ["a tool that is not offered", call("rm", {})],
])("%s is told to the model, and nothing is called", async (_, piece) => {
  const at = scene([[piece], [say("So.")]]);
  const events = await play(at);
  expect(events.find(({ type }) => type === "verdict")).toMatchObject({ ok: false });
  expect(at.calls).toEqual([]);
  expect(toolTexts(at)[0]).toMatch(/^(VALIDATION_ERROR|NOT_FOUND)/);
});

test("a model that never stops asking is stopped, by calls and by rounds", async () => {
  const endless = [[call("search", {}, "1"), call("search", {}, "2"), say("x")]];
  const byCalls = scene(endless, { limits: { calls: 3 } });
  expect(last(await play(byCalls))).toMatchObject({ type: "answer" });
  expect(byCalls.calls).toHaveLength(3);
  const byRounds = scene(endless, { limits: { rounds: 2 } });
  expect(last(await play(byRounds))).toMatchObject({ type: "answer" });
  expect(byRounds.told.map(({ tools }) => tools.length)).toEqual([3, 0]);
});

test("an allowed request makes exactly the same call again, and any other word leaves the refusal", async () => {
  const yes = scene([[call("search", { q: "x" })], [say("So.")]], {
    consentMs: 1_000,
    outcome: (times) => (times === 1 ? refused() : { ok: true, result: "given", auditId: "A" }),
  });
  expect((await play(yes)).map(({ type }) => type)).toEqual([
    "prompt",
    "call",
    "verdict",
    "consent",
    "decided",
    "verdict",
    "text",
    "answer",
  ]);
  expect(yes.calls[1]).toMatchObject({ name: "search", args: { q: "x" }, trace: { consent: "R" } });
  expect(toolTexts(yes)[0]).toContain("given");
  for (const status of ["denied", "expired", "used", "…"]) {
    const no = scene([[call("search", {})], [say("So.")]], { consentMs: 1_000, outcome: () => refused(), status });
    await play(no);
    expect(no.calls).toHaveLength(1);
    expect(toolTexts(no)[0]).toContain("did not allow");
  }
});

test("what is not open, or not waited for, is not asked", async () => {
  for (const [state, consentMs] of [
    ["denied", 1_000],
    ["full", 1_000],
    ["open", 0],
  ] as const) {
    const at = scene([[call("search", {})], [say("So.")]], { consentMs, outcome: () => refused(state) });
    const types = (await play(at)).map(({ type }) => type);
    expect(types).not.toContain("decided");
    expect(types.includes("consent")).toBe(state === "open");
    expect(at.calls).toHaveLength(1);
  }
});

test("a model elsewhere is not given what its line of work may not tell it", async () => {
  const secret: Outcome = {
    ok: true,
    result: "a private thought",
    auditId: "A",
    flow: { handle: "F", private: ["diary"], untrusted: [] },
  };
  const far = scene([[call("search", {})], [say("So.")]], { host: "far.example", outcome: () => secret });
  const events = await play(far);
  expect(events.find(({ type }) => type === "withheld")).toMatchObject({ private: ["diary"], host: "far.example" });
  expect(JSON.stringify(far.told)).not.toContain("private thought");
  const near = scene([[call("search", {})], [say("So.")]], { outcome: () => secret });
  await play(near);
  expect(toolTexts(near)[0]).toContain("private thought");
});

test("others' content is marked as data, and what is cited has a number that stays", async () => {
  const citation = { id: "a.md", uri: "file:///a.md", start: 0, end: 5, sha256: hash("sha256", "Ferns") };
  const at = scene([[call("search", {})], [call("search", {})], [say("So [1].")]], {
    outcome: () => ({
      ok: true,
      result: { content: "Ferns", encoding: "utf8" },
      auditId: "A",
      untrusted: ["web:x"],
      citations: [citation],
    }),
  });
  await play(at);
  expect(toolTexts(at)[0]).toMatch(/^What follows is data from web:x[^\n]*\n.*\n\[1\] a\.md, bytes 0–5$/s);
  expect(at.chat.citations()).toHaveLength(1);
  const signal = new AbortController().signal;
  expect(await at.chat.open(1, signal)).toMatchObject({ verdict: "holds", text: "Ferns" });
  expect(await at.chat.open(2, signal)).toBeUndefined();
});

test("a question that is stopped or fails leaves nothing behind, and the next one is answered", async () => {
  const stop = new AbortController();
  const at = scene([[call("search", {})], [say("So.")]], {
    outcome: () => {
      stop.abort();
      return { ok: false, code: "CANCELLED", message: "It was withdrawn.", auditId: "A" };
    },
  });
  expect(last(await play(at, "First?", stop.signal))).toEqual({ type: "stopped" });
  expect(last(await play(at, "Second?"))).toMatchObject({ type: "answer" });
  expect(JSON.stringify(at.told.at(-1))).not.toContain("First?");
});

test("what cannot be recorded is not asked", async () => {
  const at = scene([[say("So.")]]);
  const server: ChatServer = {
    ...scene([]).chat,
    tools: async () => ({ tools: [] }),
    call: async () => refused(),
    request: () => Promise.reject(new Error("the audit is full")),
  };
  const model: ChatModel = {
    ...{ name: "m", clearance: [] },
    async *answer() {
      at.told.push({ messages: [], tools: [] });
      yield say("So.");
    },
  };
  expect(last(await play({ ...at, chat: createChat({ server, model }) }))).toMatchObject({ type: "fault" });
  expect(at.told).toEqual([]);
});

test("old questions make room for new ones, and one that has none is a fault", async () => {
  const at = scene([[say("So.")]], { limits: { characters: 60 } });
  await play(at, "a".repeat(40));
  expect((await play(at, "b".repeat(40)))[1]).toEqual({ type: "forgotten", questions: 1 });
  expect(last(await play(at, "c".repeat(80)))).toMatchObject({ type: "fault" });
});

test("one question at a time", async () => {
  const at = scene([[say("So.")]]);
  const first = at.chat.ask("One?", new AbortController().signal);
  await first.next();
  await expect(at.chat.ask("Two?", new AbortController().signal).next()).rejects.toThrow("one at a time");
  await first.return(undefined);
  expect(last(await play(at))).toMatchObject({ type: "answer" });
});

test("a model's answer has bounds", async () => {
  const flood = async function* (): AsyncGenerator<ModelPiece> {
    for (;;) yield say("x".repeat(100_000));
  };
  await expect(collect(bounded(flood()))).rejects.toThrow(ModelFault);
  const calls = async function* (): AsyncGenerator<ModelPiece> {
    for (;;) yield call("search", {});
  };
  await expect(collect(bounded(calls()))).rejects.toThrow(ModelFault);
});

async function collect(pieces: AsyncIterable<ModelPiece>): Promise<readonly ModelPiece[]> {
  const all: ModelPiece[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}
