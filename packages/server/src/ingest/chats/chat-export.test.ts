import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReadDocument } from "../document.ts";
import { type ExportEntry, isChatExport, readChatExport } from "./chat-export.ts";

type Random = (below: number) => number;

const randomFrom = (seed: number): Random => {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor(((state ^ (state >>> 13)) / 2 ** 32) * below) % below;
  };
};

/** Every form of content that an export may hold, saying `word`. */
const contents: Readonly<Record<string, (word: string) => unknown>> = {
  text: (word) => ({ content_type: "text", parts: [`Says ${word} – “ok” 🙂`] }),
  citation: (word) => ({ content_type: "text", parts: [`${word} \ue200cite\ue202turn0search1\ue201 end`] }),
  image: (word) => ({
    content_type: "multimodal_text",
    parts: [
      { content_type: "image_asset_pointer", asset_pointer: "sediment://file_1", metadata: { dalle: null } },
      word,
    ],
  }),
  audio: (word) => ({
    content_type: "multimodal_text",
    parts: [
      { content_type: "audio_transcription", text: word, direction: "in" },
      { content_type: "real_time_user_audio_video_asset_pointer", audio_asset_pointer: { metadata: null } },
    ],
  }),
  code: (word) => ({ content_type: "code", language: "python", text: `print("${word}")\n\`\`\`` }),
  output: (word) => ({ content_type: "execution_output", text: `${word}\n` }),
  quote: (word) => ({
    content_type: "tether_quote",
    url: "https://e.example",
    domain: "e.example",
    text: word,
    title: null,
  }),
  browsing: (word) => ({ content_type: "tether_browsing_display", result: word, summary: null, assets: null }),
  error: (word) => ({ content_type: "system_error", name: "ToolError", text: word }),
  instructions: (word) => ({
    content_type: "user_editable_context",
    user_profile: word,
    user_instructions: "be brief",
  }),
  memory: (word) => ({ content_type: "model_editable_context", model_set_context: word, repository: null }),
  thoughts: (word) => ({ content_type: "thoughts", thoughts: [{ summary: "Thinking", content: word, chunks: [] }] }),
  recap: (word) => ({ content_type: "reasoning_recap", content: `Thought for ${word}` }),
  computer: (word) => ({ content_type: "computer_output", computer_id: 1, state: { title: word, dom: null } }),
  webpage: (word) => ({
    content_type: "sonic_webpage",
    url: "https://e.example",
    title: "Page",
    text: "",
    snippet: word,
  }),
  pairing: (word) => ({
    content_type: "app_pairing_content",
    workspaces: [{ title: "Terminal" }],
    context_parts: [{ text: word }],
  }),
  widget: (word) => ({ content_type: "super_widget", widget: { data: [{ deep: { caption: word } }] } }),
  future: (word) => ({ content_type: "hologram_9", layers: [[{ says: word }]], n: 3 }),
  bare: (word) => word,
  list: (word) => [word],
};
const forms = Object.keys(contents);

interface Generated {
  readonly export: unknown[];
  /** By conversation: the words of the shown branch in order, those of other branches, those of what is hidden. */
  readonly words: { id: string; shown: string[]; other: string[]; hidden: string[] }[];
}

function generateChatGpt(seed: number, count: number): Generated {
  const random = randomFrom(seed);
  let serial = 0;
  const words: Generated["words"] = [];
  const conversations = Array.from({ length: count }, (_, number) => {
    const id = `conversation-${seed}-${number}`;
    const expected: Generated["words"][number] = { id, shown: [], other: [], hidden: [] };
    words.push(expected);
    const mapping: Record<string, { id: string; parent: string | null; children: string[]; message: unknown }> = {};
    const add = (parent: string | null, kind: "shown" | "other" | "hidden"): string => {
      const node = `node-${seed}-${serial}`;
      const word = `word${serial++}x`;
      const form = forms[random(forms.length)] ?? "text";
      expected[kind].push(word);
      const hidden = kind === "hidden" ? [{ role: "system" }, { role: "user" }][random(2)] : undefined;
      mapping[node] = {
        id: node,
        parent,
        children: [],
        message: {
          id: node,
          author: hidden ?? { role: ["user", "assistant", "tool"][random(3)], name: null },
          create_time: [1_714_558_000 + serial, null, undefined][random(3)],
          content: contents[form]?.(word),
          metadata:
            kind === "hidden"
              ? { is_visually_hidden_from_conversation: true }
              : { model_slug: "gpt-4o", note: '5" [{ \\' },
          recipient: "all",
        },
      };
      if (parent !== null) mapping[parent]?.children.push(node);
      return node;
    };
    mapping.root = { id: "root", parent: null, children: [], message: null };
    let at = add("root", "hidden");
    const path = [at];
    for (let step = random(8) + 1; step > 0; step--) {
      at = add(at, "shown");
      path.push(at);
    }
    for (let branches = random(3); branches > 0; branches--) {
      let end = path[random(path.length)] ?? at;
      for (let step = random(3) + 1; step > 0; step--) end = add(end, "other");
    }
    return {
      title: [null, `Title "${number}" \\ [{`, ""][random(3)],
      create_time: 1_714_557_000.5,
      update_time: [1_714_560_000.25, null, undefined][random(3)],
      mapping,
      current_node: at,
      conversation_id: id,
    };
  });
  return { export: conversations, words };
}

async function read(text: string | Buffer, kind: "chatgpt" | "claude" = "chatgpt", size = 1 << 16, most?: number) {
  const bytes = Buffer.from(text);
  function* pieces() {
    const shared = Buffer.alloc(size);
    for (let at = 0; at < bytes.length; at += size) yield shared.subarray(0, bytes.copy(shared, 0, at, at + size));
  }
  const entries: ExportEntry[] = [];
  for await (const entry of readChatExport(pieces(), kind, most)) entries.push(entry);
  const documents = entries.flatMap((entry) => ("document" in entry ? [entry.document] : []));
  const skipped = entries.flatMap((entry) => ("skipped" in entry ? [entry] : []));
  return { documents, skipped };
}

const textOf = (document: ReadDocument | undefined): string => document?.text?.toString("utf8") ?? "";
const sectionTexts = ({ sections, text }: ReadDocument): string[] =>
  sections.map(({ start }, index) => text?.toString("utf8", start, sections[index + 1]?.start) ?? "");
const one = (mapping: unknown, more: object = {}) => JSON.stringify([{ id: "c", title: "T", mapping, ...more }]);
const says = (id: string, parent: string | null, text: string, more: object = {}) => ({
  [id]: {
    id,
    parent,
    message: { id, author: { role: "user" }, content: { content_type: "text", parts: [text] }, ...more },
  },
});

test("every message of an export is found once and in order, whatever its form, and no hidden one is", async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const generated = generateChatGpt(seed, 30);
    const { documents, skipped } = await read(JSON.stringify(generated.export, undefined, seed % 2 ? 1 : undefined));
    expect(skipped).toEqual([]);
    expect(documents.map(({ part }) => part)).toEqual(generated.words.map(({ id }) => id));
    for (const [index, { shown, other, hidden }] of generated.words.entries()) {
      const document = documents[index];
      const text = textOf(document);
      const found = text.match(/word\d+x/g) ?? [];
      expect(found.slice(0, shown.length)).toEqual(shown);
      expect(found.slice(shown.length).sort()).toEqual(other.sort());
      for (const word of hidden) expect(text).not.toContain(word);
      const sections = document ? sectionTexts(document) : [];
      expect(sections).toHaveLength(shown.length + other.length);
      for (const [place, section] of sections.entries()) {
        expect(section.match(/word\d+x/g)).toHaveLength(1);
        const label = document?.sections[place]?.label ?? "";
        expect(section.startsWith(`## ${label}\n`)).toBe(true);
        expect(label.endsWith(", other branch")).toBe(place >= shown.length);
        expect(document?.sections[place]?.id).toMatch(/^chatgpt:node-/);
      }
    }
  }
});

test("the same documents come of any pieces of the file", async () => {
  const text = `\ufeff${JSON.stringify(generateChatGpt(9, 6).export)}`;
  const { documents } = await read(text);
  expect(documents).toHaveLength(6);
  const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 5_000 }));
  await fc.assert(
    fc.asyncProperty(sizes, async (size) => {
      expect((await read(text, "chatgpt", size)).documents).toEqual(documents);
    }),
    { numRuns: 40 },
  );
});

test("a file cut anywhere gives its whole conversations, and then says where it ends", async () => {
  const text = JSON.stringify(generateChatGpt(11, 3).export);
  const whole = (await read(text)).documents;
  for (let end = 2; end < text.length; end += 97) {
    const { documents, skipped } = await read(text.slice(0, end));
    expect(documents).toEqual(whole.slice(0, documents.length));
    expect(skipped.at(-1)?.skipped).toMatch(/ends/);
  }
});

describe("what one conversation is read as", () => {
  test("a tree in pieces, in circles and without a current message loses no message", async () => {
    const mapping = {
      ...says("a", null, "wordA"),
      ...says("b", "a", "wordB"),
      ...says("lost", "nowhere", "wordLost"),
      ...says("x", "y", "wordX"),
      ...says("y", "x", "wordY"),
      ...says("self", "self", "wordSelf"),
      empty: { id: "empty", parent: "b", message: null },
      odd: 3,
      none: null,
    };
    const { documents, skipped } = await read(one(mapping, { current_node: "gone" }));
    expect(skipped).toEqual([]);
    expect(textOf(documents[0]).match(/word\w+/g)).toEqual([
      "wordA",
      "wordB",
      "wordLost",
      "wordSelf",
      "wordX",
      "wordY",
    ]);
  });

  test("children tell the order, and the parent where a node does not", async () => {
    const mapping = {
      r: { id: "r", children: ["second", "first"], message: null },
      ...says("first", "r", "wordFirst"),
      ...says("second", null, "wordSecond", { create_time: 5 }),
    };
    const { documents } = await read(one(mapping, { current_node: "first" }));
    expect(textOf(documents[0]).match(/word\w+/g)).toEqual(["wordFirst", "wordSecond"]);
  });

  test("messages with one id and one text stand once, with other texts under names of their own", async () => {
    const twice = (text: string) => ({ id: "same", author: { role: "user" }, content: { parts: [text] } });
    const mapping = {
      a: { message: twice("one") },
      b: { parent: "a", message: twice("one") },
      c: { parent: "b", message: twice("two") },
    };
    const { documents } = await read(one(mapping));
    expect(documents[0]?.sections.map(({ id }) => id)).toEqual([
      "chatgpt:same",
      expect.stringMatching(/^chatgpt:same~\w{8}$/),
    ]);
  });

  test("citations give way to what the page showed, names and links in markers stay", async () => {
    const text =
      'A\ue200cite\ue202turn0search1\ue201 B \ue200entity\ue202["company","Acme","x"]\ue201 C \ue200url\ue202Site\ue202https://s.example\ue201 \ue203D\ue204 E【3†source】 \ue200cite\ue202turn9';
    const metadata = {
      content_references: [{ matched_text: "\ue200cite\ue202turn0search1\ue201", alt: "([s](https://s.example))" }],
    };
    const { documents } = await read(one(says("a", null, text, { metadata })));
    expect(textOf(documents[0])).toContain("A([s](https://s.example)) B Acme C Site https://s.example D E");
    expect(textOf(documents[0])).not.toMatch(/[\ue200-\ue2ff]|turn\d/);
  });

  test("a canvas document is its text, a call of a tool what it asks", async () => {
    const canvas = JSON.stringify({ name: "plan.py", type: "code/python", content: "first = 1\nsecond = 2" });
    const mapping = {
      ...says("a", null, canvas, { author: { role: "assistant" }, recipient: "canmore.create_textdoc" }),
      ...says("b", "a", '{"prompt":"a red\\nfox","size":"1024x1024"}', {
        author: { role: "assistant" },
        recipient: "dalle.text2im",
      }),
    };
    const text = textOf((await read(one(mapping))).documents[0]);
    expect(text).toContain("**Canvas: plan.py**\n\n```python\nfirst = 1\nsecond = 2\n```");
    expect(text).toContain("a red\nfox");
  });

  test("times, models, attachments and titles", async () => {
    const metadata = { model_slug: "o3", attachments: [{ name: "report.pdf" }, null] };
    const mapping = says("a", null, "CafÃ© â€œyesâ€\u009d", {
      create_time: 1_714_558_320.9,
      author: { role: "assistant" },
      metadata,
    });
    const { documents } = await read(
      one(mapping, { title: null, update_time: null, gizmo: { display: { name: "Cook" } } }),
    );
    expect(documents[0]).toMatchObject({ part: "c", title: "Café “yes”", time: 1_714_558_320_900, kind: "markdown" });
    expect(textOf(documents[0])).toBe(
      "## assistant (Cook, o3), 2024-05-01 10:12\n\nCafé “yes”\n\nAttached: report.pdf\n\n",
    );
  });
});

test("one conversation alone, wrapped lists, lines, and linear messages are read too", async () => {
  const [conversation] = generateChatGpt(3, 1).export;
  const json = JSON.stringify(conversation);
  const [expected] = (await read(`[${json}]`)).documents;
  const wrapped = `{"user":{"conversations":"[","x":[1,{}]},"conversations" : [${json}],"more":[{"a":1}],"projects":[]}`;
  for (const text of [json, ` \n${json}\n\n`, wrapped, `[[],${json}]`]) {
    const { documents } = await read(text, "chatgpt", 7);
    expect(documents).toEqual([expected]);
  }
  const lines = await read(`${json}\r\n${json}\n`);
  expect(lines.documents.map(({ part }) => part)).toEqual([expected?.part, `${expected?.part}~2`]);
  const linear = { id: "l", messages: [{ id: "m", author: { role: "user" }, content: { parts: ["hi there"] } }] };
  expect(textOf((await read(JSON.stringify([linear]))).documents[0])).toContain("hi there");
});

test("what is no conversation is told of and passed over", async () => {
  const good = JSON.stringify((generateChatGpt(2, 1).export as unknown[])[0]);
  const text = `[null, 3, "a [ b", {"a": 1}, {"id": "bad", "mapping": {,}}, ${good}, {"id":"big","mapping":"${"x".repeat(90_000)}"}, ${good}]`;
  const { documents, skipped } = await read(text, "chatgpt", 100, 80_000);
  expect(documents).toHaveLength(2);
  expect(skipped.map(({ at, skipped: reason }) => [Buffer.from(text).toString("utf8", at, at + 3), reason])).toEqual([
    ["nul", "an entry that is no conversation"],
    ["3, ", "an entry that is no conversation"],
    ['"a ', "an entry that is no conversation"],
    ['{"a', "an entry that is no conversation"],
    ['{"i', "an entry that is no well-formed JSON"],
    ['{"i', "an entry of more than 80000 bytes"],
  ]);
  const flood = await read(`[${"1,".repeat(10_000)}1]`);
  expect(flood.skipped).toHaveLength(101);
  expect(flood.skipped[100]?.skipped).toBe("9901 more entries that could not be read");
  expect((await read("")).skipped).toEqual([{ skipped: "an empty file", at: 0 }]);
});

test("no bytes at all throw, hang or give a document twice", async () => {
  const alphabet = fc.constantFrom(
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    ",",
    ":",
    " ",
    "\n",
    "a",
    "1",
    '"mapping"',
    '"conversations"',
    "\ud800",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(alphabet, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), async (tokens, size) => {
      const { documents } = await read(tokens.join(""), "chatgpt", size);
      expect(new Set(documents.map(({ part }) => part)).size).toBe(documents.length);
    }),
    { numRuns: 300 },
  );
  const odd = fc.object({
    key: fc.constantFrom("mapping", "message", "content", "parts", "parent", "children", "metadata", "author", "a"),
    maxDepth: 5,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(odd, { maxLength: 4 }), async (entries) => {
      const { documents, skipped } = await read(JSON.stringify(entries));
      expect(documents.length + skipped.length).toBe(entries.length);
    }),
  );
});

test.each([
  ["a/conversations.json", '[{"title":"x","create_time":1,"mapping":{"a":{}}}]', "chatgpt"],
  ["conversations-003.json", '\ufeff [ {"create_time": 1, "title": "long', "chatgpt"],
  ["chat.json", '{"title":"x","mapping": {"a":{"message":{"author":{}}}},"current_node":"a"}', "chatgpt"],
  ["conversations.json", '[{"uuid":"u","name":"n","summary":"', "claude"],
  ["export.json", '[{"uuid":"u","chat_messages":[{"sender":"human"}]}]', "claude"],
  ["projects.json", '[{"uuid":"u","name":"n","prompt_template":"","docs":[]}]', "claude"],
  ["s.jsonl", '{"type":"user","sessionId":"s","uuid":"u","message":{}}\n', "claude"],
  ["shared_conversations.json", '[{"id":"x","mapping":{},"current_node":"y"}]', undefined],
  ["user.json", '{"id":"x"}', undefined],
  ["message_feedback.json", '[{"id":"x","conversation_id":"y"}]', undefined],
  ["package.json", '{"name":"x","mapping":{}}', undefined],
  ["conversations.json", "[]", undefined],
  ["conversations.json", '[{"id":1,"uuid":"x","title":"Another program","name":"y"}]', undefined],
  ["conversations.md", '[{"mapping":{},"title":1}]', undefined],
])("%s that begins with %s is of %s", (path, head, kind) => {
  expect(isChatExport(path, Buffer.from(head))).toBe(kind);
});
