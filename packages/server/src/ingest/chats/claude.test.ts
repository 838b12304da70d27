import fc from "fast-check";
import { expect, test } from "vitest";
import { type ExportEntry, readChatExport } from "./chat-export.ts";
import { parseConversation } from "./parse-conversation.ts";

async function read(value: unknown, size = 50) {
  const bytes = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  const entries: ExportEntry[] = [];
  for await (const entry of readChatExport(pieces, "claude")) entries.push(entry);
  return entries.map((entry) =>
    "document" in entry ? { ...entry.document, text: String(entry.document.text) } : entry,
  );
}
const human = (uuid: string, text: string, more: object = {}) => ({
  uuid,
  sender: "human",
  text,
  created_at: "2024-05-01T10:12:30.123456Z",
  ...more,
});

test("a conversation shows its messages' blocks, tools, thoughts and the text of files", async () => {
  const content = [
    { type: "thinking", thinking: "wordThought" },
    { type: "text", text: "wordText", citations: [] },
    {
      type: "tool_use",
      name: "artifacts",
      input: { id: "plan", title: "Plan", type: "application/vnd.ant.code", language: "js", content: "wordArtifact()" },
    },
    { type: "tool_use", name: "web_search", input: { query: "wordQuery" } },
    {
      type: "tool_result",
      content: [
        { type: "knowledge", title: "wordResult", url: "https://e.example" },
        { type: "text", text: "wordMore" },
      ],
    },
    { type: "tool_result", content: "wordPlain" },
    { type: "voice_note", title: "Note", text: "wordVoice" },
    { type: "brand_new", body: { lines: ["wordNew"] } },
    { type: "token_budget", remaining: 5 },
    null,
  ];
  const entry = {
    uuid: "c",
    name: "Talk",
    summary: "wordSummary",
    updated_at: "2024-05-01T11:00:00Z",
    chat_messages: [
      human("m1", "wordAsk", {
        attachments: [{ file_name: "a.txt", extracted_content: "wordFile" }],
        files: [{ file_name: "b.png" }],
      }),
      {
        uuid: "m2",
        sender: "assistant",
        text: "wordText\n\nThis block is not supported",
        content,
        created_at: "2024-05-01T10:13:00Z",
      },
      human("m3", "", { content: [] }),
      human("m4", "wordOld", { content: [] }),
    ],
  };
  const [document, ...more] = await read([entry]);
  expect(more).toEqual([]);
  expect(document).toMatchObject({
    part: "c",
    title: "Talk",
    time: Date.UTC(2024, 4, 1, 11),
    sections: [
      { id: "claude:m1", label: "user, 2024-05-01 10:12", time: Date.UTC(2024, 4, 1, 10, 12, 30, 123) },
      { id: "claude:m2", label: "assistant, 2024-05-01 10:13" },
      { id: "claude:m4" },
    ],
  });
  const words = [
    "Summary",
    "Ask",
    "File",
    "Thought",
    "Text",
    "Artifact",
    "Query",
    "Result",
    "More",
    "Plain",
    "Voice",
    "New",
    "Old",
  ];
  const text = document && "text" in document ? document.text : "";
  expect(text.match(/word\w+/g)).toEqual(words.map((word) => `word${word}`));
  expect(text).toContain("Attached: b.png");
});

test("branches by their parents, the shown one first", async () => {
  const chat_messages = [
    human("a", "one", { parent_message_uuid: "00000000-0000-4000-8000-000000000000" }),
    human("b", "two", { parent_message_uuid: "a" }),
    human("c", "three", { parent_message_uuid: "a" }),
  ];
  const [document] = await read([{ uuid: "u", name: "", chat_messages, current_leaf_message_uuid: "b" }]);
  expect(document).toMatchObject({
    title: "one",
    sections: [
      { id: "claude:a" },
      { id: "claude:b" },
      { id: "claude:c", label: expect.stringMatching(/other branch$/) },
    ],
  });
});

test("projects, memory, lines of conversations and other lists", async () => {
  const project = {
    uuid: "p",
    name: "Project",
    prompt_template: "wordPrompt",
    docs: [{ uuid: "d", filename: "a.md", content: "wordDoc" }],
  };
  expect(
    await read([project, { conversations_memory: "wordMemory", project_memories: { p: "wordOther" } }]),
  ).toMatchObject([
    { part: "p", title: "Project", sections: [{ label: "instructions" }, { label: "a.md", id: "claude:d" }] },
    { part: "memory", text: expect.stringMatching(/wordMemory[\s\S]*wordOther/) },
  ]);
  const line = (uuid: string) => JSON.stringify({ uuid, name: uuid, chat_messages: [human(`${uuid}m`, "hello")] });
  expect(await read(`${line("a")}\n${line("b")}\n`)).toMatchObject([{ part: "a" }, { part: "b" }]);
  const design = {
    uuid: "x",
    messages: [{ uuid: "y", role: "user", content: { role: "user", content: [{ type: "text", text: "inner" }] } }],
  };
  expect(await read([design])).toMatchObject([{ part: "x", text: "## user\n\ninner\n\n" }]);
});

test("lines of a session become one document for each session", async () => {
  const line = (sessionId: string, uuid: string, type: string, content: unknown) =>
    JSON.stringify({
      type,
      sessionId,
      uuid,
      timestamp: "2025-06-01T08:00:00Z",
      message: { id: "msg", role: type, model: type === "assistant" ? "opus" : undefined, content },
    });
  const lines = [
    JSON.stringify({ type: "summary", summary: "Fix the build", leafUuid: "u2" }),
    line("s1", "u1", "user", "please fix"),
    line("s1", "u2", "assistant", [{ type: "tool_use", name: "Bash", input: { command: "make all" } }]),
    JSON.stringify({ type: "file-history-snapshot", sessionId: "s1" }),
    line("s2", "u3", "user", [{ type: "tool_result", content: "done\nwell" }]),
  ];
  expect(await read(`${lines.join("\n")}\n{"type":"user","mess`)).toMatchObject([
    {
      part: "s1",
      title: "Fix the build",
      sections: [
        { id: "claude:u1", label: "user, 2025-06-01 08:00" },
        { id: "claude:u2", label: "assistant (opus), 2025-06-01 08:00" },
      ],
    },
    { skipped: "the file ends inside of this conversation" },
    { part: "s2", text: expect.stringContaining("done\nwell") },
  ]);
});

test("a text parsed in steps is what JSON.parse makes of it, and what that refuses is refused", async () => {
  const pace = () => undefined;
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.integer({ min: 0, max: 30 }), fc.nat(3), async (text, atOnce, indent) => {
      const value: unknown = JSON.parse(text);
      const written = JSON.stringify(value, undefined, indent);
      expect(await parseConversation(Buffer.from(written), pace, {}, atOnce)).toEqual(value);
    }),
  );
  for (const text of [
    '{"a":1',
    '{"a":1}}',
    "[1,]",
    '{"a"}',
    "[1 2]",
    "{a:1}",
    '{"a":1]',
    "[1}",
    '{"a":"',
    "{,}",
    "[,]",
    "",
  ]) {
    await expect(parseConversation(Buffer.from(text), pace, {}, 0), text).rejects.toThrow(SyntaxError);
  }
});
