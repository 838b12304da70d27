import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Answer } from "../support/doors.ts";
import { startEmbeddingServer } from "../support/embeddings/embedding-server.ts";
import { asGuest, eventually } from "../support/guests.ts";
import { startOpenAiStoreServer } from "../support/openai-store/openai-store-server.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, runPortcullis, type World } from "../support/world.ts";

const bytes = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const docx = (text: string): Buffer =>
  Buffer.from(
    zipSync({
      "[Content_Types].xml": Buffer.from(
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
      ),
      "_rels/.rels": Buffer.from(
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
      ),
      "word/document.xml": Buffer.from(
        `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`,
      ),
    }),
  );
const pdf = (text: string): Buffer => {
  const stream = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
    `<</Length ${stream.length}>>stream\n${stream}\nendstream`,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = file.length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  return bytes(
    `${file}xref\n0 6\n0000000000 65535 f \n${rows}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`,
  );
};

const said = "Use a walnut oil finish on the oak table.";
const chatgpt = [
  {
    title: "Oak table",
    conversation_id: "c-1",
    create_time: 1_700_000_000,
    update_time: 1_700_000_100,
    current_node: "m2",
    mapping: {
      root: { id: "root", message: null, parent: null, children: ["m1"] },
      m1: {
        id: "m1",
        parent: "root",
        children: ["m2"],
        message: {
          id: "m1",
          author: { role: "user" },
          create_time: 1_700_000_000,
          content: { content_type: "text", parts: ["What finish for an oak table?"] },
        },
      },
      m2: {
        id: "m2",
        parent: "m1",
        children: [],
        message: {
          id: "m2",
          author: { role: "assistant" },
          create_time: 1_700_000_050,
          content: { content_type: "text", parts: [said] },
        },
      },
    },
  },
];
const nexus = `---
nexus: nexus-ai-chat-importer
provider: chatgpt
conversation_id: c-1
---

# Title: Oak table

>[!nexus_user] **User** - 11/14/2023 at 10:13 PM
> What finish for an oak table?
<!-- UID: m1 -->

>[!nexus_agent] **Assistant (gpt-4)** - 11/14/2023 at 10:14 PM
> ${said}
<!-- UID: m2 -->
`;

const scripts: Readonly<Record<string, string>> = {
  latin: "Der Gärtner gießt größere Äpfel \u{1F469}\u200D\u{1F680} täglich.",
  cyrillic: "Садовник каждый вечер поливает яблони в теплице.",
  greek: "Ο κηπουρός ποτίζει τις μηλιές κάθε βράδυ.",
  arabic: "البستاني يسقي أشجار التفاح كل مساء في البيت الزجاجي.",
  hebrew: "הגנן משקה את עצי התפוח בכל ערב בחממה.",
  devanagari: "माली हर शाम सेब के पेड़ों को पानी देता है।",
  han: "园丁每天晚上给温室里的苹果树浇水。",
  thai: "คนสวนรดน้ำต้นแอปเปิ้ลทุกเย็นในเรือนกระจก",
};

let world: World;
beforeAll(async () => {
  const files: Record<string, string | Buffer> = {
    "vault/Hub.md": "---\ntags: [map]\n---\n\n# Hub\n\nSee [[Roses]] and [[Secret plan]].\n",
    "vault/Roses.md":
      "---\naliases: [Rosa]\ntags: [garden/roses]\n---\n\n# Roses\n\nPrune in March. Back to [[Hub]].\n",
    "private/Secret plan.md": "# Secret plan\n\nLinks to [[Roses]] #garden/roses\n",
    "papers/report.pdf": pdf("The quarterly turbine report"),
    "papers/letter.docx": docx("A letter about the turbine lease"),
    "papers/page.html": "<html><head><title>Turbine page</title></head><body><p>Visit the turbine.</p></body></html>",
    "papers/note.ipynb": JSON.stringify({
      cells: [{ cell_type: "markdown", source: ["# Turbine notebook"], metadata: {} }],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    }),
    "papers/mail.eml":
      "From: a@example.org\r\nTo: b@example.org\r\nSubject: Turbine mail\r\n\r\nThe turbine is loud.\r\n",
    "papers/table.csv": "part,price\nturbine blade,100\n",
    "papers/broken.pdf": "%PDF-1.4\nnothing",
    "papers/broken.docx": Buffer.from("PK\u0003\u0004 not a zip"),
    "papers/broken.epub": "",
    "chats/conversations.json": JSON.stringify(chatgpt),
    "chats/Oak table.md": nexus,
  };
  for (const [name, text] of Object.entries(scripts)) {
    files[`scripts/${name}.md`] = bytes(
      name === "latin" ? "\uFEFF" : "",
      `# ${name}\r\n\r\n${text}\r\n\r\n`,
      Buffer.from([0xff, 0xfe, 0x80]),
      `\r\n\r\nscriptmark ${name} \u{1F345}\r\n`,
    );
  }
  world = await openWorld({
    files,
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "finder.yaml": `
subject: finder
scopes:
  - tool: [search, fetch, "index.*", "vault.*", index.add, index.remove]
    allow: ["@served/**", "https://notes.example/**"]
    deny: ["@served/private/**"]
`,
      "other.yaml":
        'subject: other\nscopes:\n  - { tool: [search, fetch, "index.*"], allow: ["@served/**"], deny: ["@served/private/**"] }\n',
    },
  });
  await eventually(30_000, () =>
    finder(async (call) => {
      const { pending, failed, progress } = (await call("index.status", {})).result;
      expect([pending, failed, progress.state]).toEqual([0, 3, "following"]);
    }),
  );
});
afterAll(() => world?.close());

type Call = (name: string, args: Record<string, unknown>) => Promise<Answer>;
const finder = (body: (call: Call) => Promise<void>, subject = "finder"): Promise<void> =>
  asGuest(world, { door: "http", subject }, (guest) => body((name, args) => guest.call(name, args)));

const ids = (answer: Answer): string[] => answer.result.results.map(({ id }: { id: string }) => id);

describe("collections of many kinds", () => {
  verifiesOnce("I4.formats", () =>
    finder(async (call) => {
      const found = await call("search", { query: "turbine", limit: 20 });
      expect(ids(found).sort()).toEqual(
        ["letter.docx", "mail.eml", "note.ipynb", "page.html", "report.pdf", "table.csv"].map(
          (name) => `notes/papers/${name}`,
        ),
      );
      const { failures } = (await call("index.status", {})).result;
      expect(failures.map(({ path }: { path: string }) => path).sort()).toEqual(
        ["broken.docx", "broken.epub", "broken.pdf"].map((name) => `notes/papers/${name}`),
      );
      for (const { reason } of failures) expect(reason).toMatch(/\w{3}/);
      const { chunks } = (await call("index.query", { query: "quarterly turbine" })).result;
      expect(chunks[0]).toMatchObject({ label: "page 1", derived: true, stale: false });
      const whole = (await call("fetch", { id: chunks[0].id })).result;
      const span = Buffer.from(whole.text).subarray(chunks[0].start, chunks[0].end);
      expect(createHash("sha256").update(span).digest("hex")).toBe(chunks[0].sha256);
    }),
  );

  verifiesOnce("D6.chats", () =>
    finder(async (call) => {
      const { chunks } = (await call("index.query", { query: "walnut oil finish" })).result;
      const telling = chunks.filter(({ text }: { text: string }) => text.includes("walnut"));
      expect(telling).toHaveLength(1);
      expect(telling[0].label).toMatch(/assistant/i);
      const conversation = (await call("search", { query: 'path:**/conversations.json "oak table"' })).result.results;
      expect(conversation).toMatchObject([{ id: "notes/chats/conversations.json!c-1", title: "Oak table" }]);
      expect((await call("fetch", { id: conversation[0].id })).result.text).toContain(said);
    }),
  );

  verifies("I2.citation", (door) =>
    asGuest(world, { door, subject: "finder" }, async (guest) => {
      const { chunks } = (await guest.call("index.query", { query: "scriptmark", topK: 50 })).result;
      const seen = new Set(chunks.map(({ uri }: { uri: string }) => uri));
      expect(seen.size).toBe(Object.keys(scripts).length);
      for (const { uri, start, end, sha256, text } of chunks) {
        const span = readFileSync(fileURLToPath(uri)).subarray(start, end);
        expect(createHash("sha256").update(span).digest("hex")).toBe(sha256);
        expect(span.toString("utf8")).toBe(text);
      }
      for (const [name, text] of Object.entries(scripts)) {
        const word = name === "han" ? "苹果树" : name === "thai" ? "แอปเปิ้ล" : (text.split(" ")[2] as string);
        expect(ids(await guest.call("search", { query: word }))[0], name).toBe(`notes/scripts/${name}.md`);
      }
    }),
  );

  verifies("D5.vault", (door) =>
    asGuest(world, { door, subject: "finder" }, async (guest) => {
      const note = (await guest.call("vault.note", { note: "Rosa" })).result;
      expect(note).toMatchObject({ id: "notes/vault/Roses.md", tags: ["garden/roses"], aliases: ["Rosa"] });
      expect(JSON.stringify(note.backlinks)).toContain("vault/Hub.md");
      expect(JSON.stringify(note)).not.toContain("private/");
      const tags = JSON.stringify((await guest.call("vault.tags", {})).result);
      expect(tags).toContain("garden/roses");
      expect(await guest.call("vault.note", { note: "Secret plan" })).toMatchObject({ ok: false, code: "NOT_FOUND" });
    }),
  );

  verifies("I1.add", (door) =>
    asGuest(world, { door, subject: "finder" }, async (guest) => {
      const uri = `https://notes.example/${door}`;
      const word = `zeppelin${door.replaceAll("-", "")}`;
      const added = await guest.call(
        "index.add",
        { uri, text: `A ${word} over the lake.` },
        { purpose: "remember it" },
      );
      expect(added).toMatchObject({ ok: true, result: { job: expect.any(String) } });
      await eventually(5_000, async () =>
        expect(ids(await guest.call("search", { query: word }))).toEqual([added.result.id]),
      );
      await finder(async (call) => expect(ids(await call("search", { query: word }))).toEqual([]), "other");
      expect((await guest.call("fetch", { id: added.result.id })).result.text).toContain(word);
      await guest.call("index.remove", { uri }, { purpose: "forget it" });
      await eventually(5_000, async () => expect(ids(await guest.call("search", { query: word }))).toEqual([]));
    }),
  );
});

verifiesOnce("I3.crash", async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "crash-")));
  const [folder, data] = [join(base, "notes"), join(base, "data")];
  mkdirSync(folder);
  const count = 1_500;
  for (let n = 0; n < count; n++)
    writeFileSync(join(folder, `n${n}.md`), `# Note ${n}\n\nmarker${n} ${"filler words here ".repeat(200)}\n`);
  const env = { PATH: process.env.PATH, HOME: base };
  const add = ["index", "add", folder, "--data", data];
  try {
    for (let time = 0; time < 20; time++) {
      const running = spawn(process.execPath, [main, ...add], { env, stdio: "ignore" });
      await delay(250 + time * 30);
      running.kill("SIGKILL");
      await once(running, "exit");
    }
    const finished = await runPortcullis(add, env);
    expect(finished.status, finished.stderr).toBe(0);
    const status = await runPortcullis(["index", "status", "--json", "--data", data], env);
    expect(JSON.parse(status.stdout)).toMatchObject({ documents: count, pending: 0, failed: 0 });
    for (const n of [0, 749, count - 1]) {
      const found = await runPortcullis(["search", `marker${n}`, folder, "--json", "--data", data], env);
      expect(found.stdout).toContain(`notes/n${n}.md`);
    }
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});

verifiesOnce("I5.hybrid", async () => {
  const endpoint = await startEmbeddingServer();
  const settings = `limits: { turnCalls: 1000 }\nembeddings: { url: "${endpoint.url}", model: words }\n`;
  const token = `ghp_${"a1B2c3D4e5".repeat(3)}f6G7h8`;
  const files = { "a.md": `The heron waits by the pond.\n\n${token}\n`, "b.md": "Nothing of the kind.\n" };
  const hybrid = await openWorld({ files, settings });
  try {
    await asGuest(hybrid, { door: "http", subject: "owner" }, async (owner) => {
      await eventually(10_000, async () => {
        const answer = await owner.call("search", { query: "heron pond" });
        // The second has none of the words: only its vector brings it.
        expect(ids(answer)).toEqual(["notes/a.md", "notes/b.md"]);
        expect(answer.why ?? []).not.toContainEqual(expect.stringContaining("words alone"));
      });
      expect(endpoint.asked.flatMap(({ texts }) => texts).join("\n")).toContain("heron");
      expect(endpoint.asked.flatMap(({ texts }) => texts).join("\n")).not.toContain(token);
      endpoint.failAlways(() => ({ kind: "status", status: 500 }));
      const cold = await owner.call("search", { query: "a heron that waits" });
      expect(ids(cold)).toEqual(["notes/a.md"]);
      expect(cold.why).toContainEqual(expect.stringContaining("words alone"));
    });
  } finally {
    await hybrid.close();
    await endpoint.stop();
  }
});

verifiesOnce("D9.openai", async () => {
  const apiKey = "sk-test-abcdefghijklmnop1234567890";
  const store = await startOpenAiStoreServer({
    apiKey,
    vectorStore: "vs_papers",
    files: [{ id: "file-heron", filename: "heron.md", text: "# Heron\n\nThe heron is a wading bird.\n" }],
  } as unknown as Parameters<typeof startOpenAiStoreServer>[0]);
  const remote = await openWorld({
    files: { "a.md": "A heron by the pond.\n" },
    settings: `openaiStores: [{ name: papers, vectorStore: vs_papers, apiKey: ${apiKey}, baseUrl: "${store.baseUrl}" }]\nflow: { sources: [{ name: papers, clearance: [notes] }] }\n`,
    policies: {
      "reader.yaml": `subject: reader\nscopes:\n  - { tool: [search, fetch], allow: ["@served/**"] }\n  - { tool: [search, fetch], allow: ["${store.baseUrl}/vector_stores/vs_papers/**"], methods: [POST] }\n`,
    },
  });
  try {
    await asGuest(remote, { door: "http", subject: "owner" }, async (owner) => {
      await eventually(5_000, async () =>
        expect(ids(await owner.call("search", { query: "heron" }))).toEqual(["notes/a.md"]),
      );
      // Nothing has left: no policy allows the store's URL to the owner.
      expect(store.seen.filter(({ path }) => path.includes("/search"))).toEqual([]);
    });
    await asGuest(remote, { door: "http", subject: "reader" }, async (reader) => {
      const found = await reader.call("search", { query: "heron" });
      expect(ids(found).sort()).toEqual(["notes/a.md", "papers/file-heron"]);
      const whole = await reader.call("fetch", { id: "papers/file-heron" });
      expect(whole.result.text).toContain("wading bird");
      store.fault = () => ({ kind: "status", status: 500 });
      const without = await reader.call("search", { query: "heron pond" });
      expect(ids(without)).toEqual(["notes/a.md"]);
      expect(without.why).toContainEqual(expect.stringContaining("papers"));
      expect(JSON.stringify(without)).not.toContain(apiKey);
    });
  } finally {
    await remote.close();
    await store.close();
  }
});
