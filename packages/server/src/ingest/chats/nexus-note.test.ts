import { describe, expect, test } from "vitest";
import { NotReadable } from "../document.ts";
import { readChatExport } from "./chat-export.ts";
import { isNexusNote, readNexusNote } from "./nexus-note.ts";
import { toSourceSpan } from "./source-span.ts";

const head = (fields: string, more = "") =>
  `---\nnexus: nexus-ai-chat-importer\nplugin_version: "1.3.0"\n${fields}\n---\n\n# Title: A talk\n\n${more}\n`;
const read = (text: string) => readNexusNote(Buffer.from(text), "talk.md");
const sectionsOf = (text: string) => {
  const note = read(text);
  const shown = note.text ?? Buffer.from(text);
  return note.sections.map((section, index) => ({
    ...section,
    text: shown.toString("utf8", section.start, note.sections[index + 1]?.start),
  }));
};

const claude = head(
  "provider: claude\naliases: A talk\nconversation_id: c-1\ncreate_time: 2025-08-20T13:48:30.000Z\nupdate_time: 2025-08-20T18:07:12.000Z\ntags:\n  - AI/Talk\n  - '#two'",
  "Created: 08/20/2025 at 8:48:30 AM\nLast Updated: 08/20/2025 at 1:07:12 PM\nChat URL: https://claude.ai/chat/c-1\n\n",
);
const body = `>[!nexus_user] **User** - 08/20/2025 at 8:48:32 AM
> A question – with [[Some note|a link]] and [a file](files/a.pdf)
> > [!nexus_user] **User** - quoted
>>[!nexus_attachment] **paste.txt** (text/plain)
<!-- UID: m-1 -->
>[!nexus_agent] **Assistant (claude-sonnet-4)** - 08/20/2025 at 8:49:00 PM
> An answer
> <!-- UID: not-this -->
<!-- UID: m-2 -->

---
`;

test("messages of a note are sections with the ids and times of the export", () => {
  const note = read(claude + body);
  expect(note).toMatchObject({
    part: "",
    title: "A talk",
    kind: "markdown",
    time: Date.UTC(2025, 7, 20, 18, 7, 12),
    aliases: ["A talk"],
    tags: ["ai/talk", "two"],
    links: ["Some note", "files/a.pdf"],
  });
  expect(note.text).toBeUndefined();
  expect(note.origin).toBeUndefined();
  const [first, second, ...more] = sectionsOf(claude + body);
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    id: "claude:m-1",
    label: "user, 2025-08-20 13:48",
    time: Date.UTC(2025, 7, 20, 13, 48, 32),
  });
  expect(first?.text.startsWith(">[!nexus_user]")).toBe(true);
  expect(first?.text).toContain("paste.txt");
  expect(second).toMatchObject({ id: "claude:m-2", label: "assistant (claude-sonnet-4), 2025-08-21 01:49" });
});

test("a note and an export name the same message alike", async () => {
  const conversation = {
    uuid: "c-1",
    name: "A talk",
    chat_messages: [{ uuid: "m-1", sender: "human", text: "A question" }],
  };
  const ids: (string | undefined)[] = [];
  for await (const entry of readChatExport([Buffer.from(JSON.stringify([conversation]))], "claude")) {
    if ("document" in entry) ids.push(...entry.document.sections.map(({ id }) => id));
  }
  expect(ids).toEqual([read(claude + body).sections[0]?.id]);
});

describe("times in the formats of other countries", () => {
  const at = (time: string, fields = "conversation_id: c\nprovider: chatgpt") =>
    sectionsOf(`${head(fields)}>[!nexus_user] **User** - ${time}\n> x\n`)[0]?.time;
  const noon = Date.UTC(2024, 0, 15, 14, 30, 22);
  test.each([
    "01/15/2024 2:30:22 PM",
    "01/15/2024 at 2:30:22 PM",
    "15/01/2024 14:30:22",
    "15.01.2024 14:30:22",
    "15.01.2024, 14:30:22",
    "2024/01/15 at 14:30:22",
    "2024-01-15 14:30:22",
    "2024-01-15T14:30:22Z",
  ])("%s", (time) => expect(at(time)).toBe(noon));
  test("day and month that might be either are told by the frontmatter, or by another of the note's times", () => {
    const created = "conversation_id: c\ncreate_time: 2024-02-03T08:00:00.000Z";
    const note = `${head(created, "Created: 03/02/2024 at 09:00:00\n")}>[!nexus_user] **User** - 03/02/2024 at 09:05:00\n> x\n`;
    expect(sectionsOf(note)[0]?.time).toBe(Date.UTC(2024, 1, 3, 8, 5));
    const two =
      ">[!nexus_user] **User** - 04/05/2024 10:00\n> x\n>[!nexus_agent] **Assistant** - 04/30/2024 10:00\n> y\n";
    expect(sectionsOf(head("conversation_id: c") + two)[0]?.time).toBe(Date.UTC(2024, 3, 5, 10));
  });
  test("what is no time gives none", () => {
    expect(at("yesterday")).toBeUndefined();
    expect(at("99/99/2024 25:00")).toBeUndefined();
  });
});

test("older layouts, and callouts whose second line says who speaks", () => {
  const older = `---
nexus: nexus-ai-chat-importer
provider: chatgpt
aliases: Broken: yet readable
conversation_id: c-2
create_time: 05/01/2025 at 10:09 AM
update_time: 05/01/2025 at 10:35 AM
tags:
---

# Title: Old

### User, on 05/01/2025 at 10:09 AM;
> hi
<!-- UID: u-1 -->

#### ChatGPT, on 05/01/2025 at 10:10 AM;
>> hello
<!-- UID: u-2 -->
<!-- UID: u-3 -->

> [!nexus_user]-
> **User** - 2025-05-02 10:00:00
>
> later

> [!nexus_agent]
> no name here
`;
  const note = read(older);
  expect(note).toMatchObject({ aliases: ["Broken: yet readable"], time: Date.UTC(2025, 4, 1, 10, 35) });
  expect(note.sections.map(({ id, label }) => [id, label])).toEqual([
    ["chatgpt:u-1", "user, 2025-05-01 10:09"],
    ["chatgpt:u-2", "assistant, 2025-05-01 10:10"],
    [undefined, "user, 2025-05-02 10:00"],
    [undefined, "assistant"],
  ]);
});

test("a mangled note is repaired, and its messages still lead to the bytes of the file", () => {
  const raw = claude + body.replace("An answer", "Itâ€™s a cafÃ©");
  const note = read(raw);
  expect(note.text?.toString()).toContain("> It’s a café\n");
  const bytes = Buffer.from(raw);
  const { origin = [], sections, text = bytes } = note;
  const [first, second] = sections.map(({ start }) => start);
  const whole = toSourceSpan(origin, { start: second ?? 0, end: text.length });
  expect(bytes.toString("utf8", whole.start, whole.end)).toBe(raw.slice(raw.indexOf(">[!nexus_agent]")));
  const before = toSourceSpan(origin, { start: first ?? 0, end: second ?? 0 });
  expect(before.end).toBe(whole.start);
  const cafe = text.indexOf("café");
  const span = toSourceSpan(origin, { start: cafe, end: cafe + Buffer.byteLength("café") });
  expect(bytes.toString("utf8", span.start, span.end)).toBe("cafÃ©");
});

test("what is no conversation of the plugin is not taken for one", () => {
  expect(isNexusNote(claude + body)).toBe(true);
  expect(isNexusNote(`\ufeff${claude}${body}`.replaceAll("\n", "\r\n"))).toBe(true);
  expect(isNexusNote("# A note\n\nabout conversation_id")).toBe(false);
  expect(isNexusNote("---\nconversation_id: x\n---\n\ntext")).toBe(false);
  expect(isNexusNote(head("conversation_id: x\nartifact_id: y"))).toBe(false);
  expect(isNexusNote("---\nnexus: nexus-ai-chat-importer\n---\nreport")).toBe(false);
  expect(() => read("# A note")).toThrow(NotReadable);
  const crlf = sectionsOf((claude + body).replaceAll("\n", "\r\n"));
  expect(crlf.map(({ id }) => id)).toEqual(["claude:m-1", "claude:m-2"]);
});
