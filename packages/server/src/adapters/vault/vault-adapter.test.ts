import { hash } from "node:crypto";
import { CallError, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toFacts } from "../../vault/facts.ts";
import { createLinkGraph } from "../../vault/link-graph.ts";
import { readNote } from "../../vault/read-note.ts";
import type { Permit, Tool } from "../adapter.ts";
import { createVaultAdapter } from "./vault-adapter.ts";

const root = "/srv/vault";

/** A vault as a person might keep it, in several languages. */
const vault: Readonly<Record<string, string>> = {
  "Home.md":
    "---\ntags: [index]\n---\n# Home\n[[Garten]], [[日記/2024-05-01|today]], [[Tagebuch]], [[Secret plan]], ![[pump.jpg]]\n",
  "projekte/Garten.md":
    '---\ntitle: Der Garten\naliases: [Jardin, Le potager]\ntags: [projekt/garten]\nup: "[[Home]]"\n---\n# Der Garten\n\n## Wasser\nDie [[Pumpe#Maße|Pumpe]] läuft zweimal. #wasser ^wasser\n\n## Pläne\n[zurück](../Home.md#home)\n',
  "projekte/Pumpe.md": "# Pumpe\n## Maße\n3 m. Siehe [[Jardin]] und [[#Maße]]. #projekt/technik\n",
  "projekte/Größen.md": "# Größen\n[[pumpe]] [[Der Garten]]\n",
  "日記/2024-05-01.md": "---\ndate: 2024-05-01\ntags: 日記\n---\n今日は[[Garten]]で。 #植物/トマト\n",
  "日記/2024-05-02.md": "#日記 [[2024-05-01]] [[garten#Wasser]]\n",
  "fr/Recette.md": "---\ntag: cuisine, été\n---\nUne tarte pour [[Le potager]].\n",
  "fr/Été.md": "#été/2024 [[Recette]]\n",
  "ru/Заметка.md": "---\nalias: Note\n---\n[[САД]] [[Recette]] #сад\n",
  "ru/Сад.md": "# Сад\n#сад/розы [[Garten]]\n",
  "ar/حديقة.md": "#حديقة [[Garten]]\n",
  "pl/Żółw.md": "[[Note]] `[[Garten]]` #żółw\n",
  "work/Note.md": "# Note\n[[Broken link]]\n",
  "work/archive/Note.md": "# Note\n[[../Note]] #index\n",
  "work/long.md": `${"words and words ".repeat(200)}[[Garten]] ${"more and more ".repeat(200)}\n`,
  "work/key.md": "password:\n[[Garten]] hunter2\n",
  "private/Secret plan.md": "---\naliases: [Plan B, САД]\ntags: [secret, projekt/geheim]\n---\n[[Garten]] [[Home]]\n",
  "private/Note.md": "# Note\n[[Garten]] #geheim\n",
  "private/Garten.md": "# Garten\n",
  "private/pump.jpg": "x",
  "bilder/pump.jpg": "x",
};

const isHidden = (resource: Resource): boolean => resource.kind === "path" && resource.path.includes("/private/");

const permitOf = (allows: Permit["allows"], more: object = {}): Permit =>
  ({ subject: "duck", tool: "t", resources: [], maxBytes: 100_000, hardlinks: false, allows, ...more }) as never;
const open = permitOf((resource) => !isHidden(resource));

function serve(files: Readonly<Record<string, string>>, folders = [{ name: "vault", path: root }]) {
  const graph = createLinkGraph();
  for (const [path, text] of Object.entries(files)) {
    graph.put(path, path.endsWith(".md") ? toFacts(readNote(text), path.replace(/^.*\/|\.md$/g, "")) : undefined);
  }
  const adapter = createVaultAdapter({
    name: "vaults",
    folders,
    vaults: async (source) => (source === root ? graph : undefined),
    permalink: (id) => `http://127.0.0.1:8088/d/${id}`,
    read: async (path, permit) => {
      const text = files[path.slice(root.length + 1)];
      if (!permit.allows({ kind: "path", path })) throw new CallError("PERMISSION_DENIED", "No.");
      if (text === undefined) throw new CallError("NOT_FOUND", "Gone.");
      if (text.length > permit.maxBytes) throw new CallError("TOO_LARGE", "Large.");
      return { bytes: Buffer.from(text), mtimeMs: 0 };
    },
    labels: { private: "files" },
  });
  return { graph, adapter };
}

const ajv = new Ajv2020({ strict: true });

/** Calls a tool as the corridor does, and holds its answer against its schema. */
async function call(world: ReturnType<typeof serve>, name: string, input: unknown, by = open): Promise<Answer> {
  const tool = world.adapter.tools().find((each) => each.name === name) as unknown as Tool<unknown, unknown>;
  expect(ajv.validate(tool.input, input), ajv.errorsText()).toBe(true);
  const touched = await tool.touches(input);
  if (!touched.every((resource) => by.allows(resource))) throw new CallError("PERMISSION_DENIED", "By policy.");
  const output = await tool.run(input, { permit: by, signal: new AbortController().signal, progress: () => {} });
  expect(ajv.validate(tool.output, output), ajv.errorsText()).toBe(true);
  expect(tool.filter?.(output, by.allows)).toEqual(output);
  for (const citation of tool.citations?.(output) ?? []) {
    const path = decodeURIComponent(citation.id).slice("vault/".length);
    const span = Buffer.from(vault[path] ?? "").subarray(citation.start, citation.end);
    expect(hash("sha256", span)).toBe(citation.sha256);
  }
  return output as Answer;
}

interface Answer {
  readonly [key: string]: unknown;
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly links: readonly Record<string, unknown>[];
  readonly notes: readonly Record<string, unknown>[];
  readonly tags: readonly unknown[];
  readonly backlinks: readonly { readonly id: string; readonly lines: readonly { readonly text: string }[] }[];
}

const world = serve(vault);
const garden = "vault/projekte/Garten.md";

test("a note is found by id, path, file name, title and alias", async () => {
  const names = [
    garden,
    "projekte/Garten.md",
    "Projekte/garten",
    "vault/projekte/Garten",
    "Garten",
    "der garten",
    "Jardin",
  ];
  for (const note of names) expect((await call(world, "vault.note", { note })).id, note).toBe(garden);
  const umlaut = await call(world, "vault.note", { note: "projekte/Gro\u0308ßen.md" });
  expect(umlaut.id).toBe("vault/projekte/Gr%C3%B6%C3%9Fen.md");
});

test("a note comes with what it says, links to, and is linked from", async () => {
  const note = await call(world, "vault.note", { note: "Garten" });
  expect(note).toMatchObject({
    title: "Der Garten",
    url: `http://127.0.0.1:8088/d/${garden}`,
    text: vault["projekte/Garten.md"],
    frontmatter: { title: "Der Garten", up: "[[Home]]" },
    tags: ["projekt/garten", "wasser"],
    aliases: ["Jardin", "Le potager"],
    headings: [
      { level: 1, text: "Der Garten" },
      { level: 2, text: "Wasser" },
      { level: 2, text: "Pläne" },
    ],
    links: [
      { link: "Home", id: "vault/Home.md", title: "Home" },
      { link: "Pumpe#Maße", id: "vault/projekte/Pumpe.md", title: "Pumpe" },
      { link: "../Home.md#home", id: "vault/Home.md", title: "Home" },
    ],
    backlinkCount: 10,
    truncated: false,
  });
  expect(note.backlinks.map(({ id }) => decodeURIComponent(id).slice(6))).toEqual([
    "Home.md",
    "ar/حديقة.md",
    "fr/Recette.md",
    "projekte/Größen.md",
    "projekte/Pumpe.md",
    "ru/Сад.md",
    "work/key.md",
    "work/long.md",
    "日記/2024-05-01.md",
    "日記/2024-05-02.md",
  ]);
  const lines = note.backlinks.map((backlink) => backlink.lines.map(({ text }) => text));
  expect(lines[2]).toEqual(["Une tarte pour [[Le potager]]."]);
  expect(lines[6]).toEqual(["password:\n[[Garten]] hunter2"]);
  expect(lines[7]?.[0]).toMatch(/^(words|and) .* words \[\[Garten\]\] more .*\S$/);
  expect(lines[7]?.[0]?.length).toBeLessThan(700);
  expect((await call(world, "vault.note", { note: "Garten", backlinks: 1 })).backlinks).toHaveLength(1);
  expect((await call(world, "vault.note", { note: "Home" })).links).toContainEqual({
    link: "pump.jpg",
    id: "vault/bilder/pump.jpg",
    title: "pump.jpg",
    embed: true,
  });
});

test("a section is given by heading or block, with its own span and links", async () => {
  const section = await call(world, "vault.note", { note: "Garten", section: "wasser" });
  expect(section.text).toBe("## Wasser\nDie [[Pumpe#Maße|Pumpe]] läuft zweimal. #wasser ^wasser\n\n");
  expect(section.links.map(({ link }) => link)).toEqual(["Pumpe#Maße"]);
  expect((await call(world, "vault.note", { note: "Garten", section: "^wasser" })).text).toMatch(/^Die /);
  await expect(call(world, "vault.note", { note: "Garten", section: "none" })).rejects.toMatchObject({
    code: "NOT_FOUND",
    details: { sections: ["Der Garten", "Wasser", "Pläne"] },
  });
});

test("links are followed up to three far, both ways", async () => {
  const out = await call(world, "vault.links", { note: "pl/Żółw", direction: "out", depth: 3 });
  expect(out.notes).toEqual([{ id: "vault/work/Note.md", title: "Note", distance: 1 }]);
  expect(out.unresolved).toEqual([{ from: "vault/work/Note.md", link: "Broken link" }]);
  const back = await call(world, "vault.links", { note: "bilder/pump.jpg", direction: "in" });
  expect(back.links).toEqual([{ from: "vault/Home.md", to: "vault/bilder/pump.jpg" }]);
  const far = await call(world, "vault.links", { note: "Pumpe", direction: "out", depth: 2 });
  expect(far.notes).toEqual([
    { id: garden, title: "Der Garten", distance: 1 },
    { id: "vault/Home.md", title: "Home", distance: 2 },
  ]);
});

test("tags are counted with what is nested in them, and lead to their notes", async () => {
  const all = await call(world, "vault.tags", {});
  expect(all.tags.slice(0, 5)).toEqual([
    { tag: "index", count: 2 },
    { tag: "projekt", count: 2 },
    { tag: "été", count: 2 },
    { tag: "сад", count: 2 },
    { tag: "日記", count: 2 },
  ]);
  expect(all.tags).not.toContainEqual(expect.objectContaining({ tag: expect.stringContaining("geheim") }));
  const one = await call(world, "vault.tags", { tag: "#Projekt" });
  expect(one.tags).toEqual([
    { tag: "projekt", count: 2 },
    { tag: "projekt/garten", count: 1 },
    { tag: "projekt/technik", count: 1 },
  ]);
  expect(one.notes.map(({ id }) => id)).toEqual([garden, "vault/projekte/Pumpe.md"]);
  expect(await call(world, "vault.tags", { source: "other" })).toEqual({ tags: [], notes: [], truncated: false });
  expect((await call(world, "vault.tags", { limit: 1 })).truncated).toBe(true);
});

test("what cannot be given is refused clearly", async () => {
  const unknown = { code: "NOT_FOUND", message: expect.stringMatching(/^There is no note /) };
  for (const note of [
    "none",
    "Secret plan",
    "Plan B",
    "private/Garten.md",
    "bilder/pump.jpg",
    "vault/none.md",
    "/",
    "..",
    "../x",
  ]) {
    await expect(call(world, "vault.note", { note }), note).rejects.toMatchObject(unknown);
  }
  await expect(call(world, "vault.note", { note: "vault/private/Garten.md" })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
  });
  await expect(call(world, "vault.note", { note: "vault/private/none.md" })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
  });
  await expect(call(world, "vault.note", { note: "Note" })).rejects.toMatchObject({
    code: "VALIDATION_ERROR",
    details: { candidates: [{ id: "vault/work/archive/Note.md" }, { id: "vault/work/Note.md" }] },
  });
  const small = permitOf(() => true, { maxBytes: 400 });
  await expect(call(world, "vault.note", { note: "Pumpe" }, small)).rejects.toMatchObject({ code: "TOO_LARGE" });
  const tight = await call(
    world,
    "vault.note",
    { note: "fr/Été" },
    permitOf((resource) => !isHidden(resource), { maxBytes: 700 }),
  );
  expect(Buffer.byteLength(JSON.stringify(tight))).toBeLessThan(700);
});

test("verdicts last as long as the permit's view, and no longer", async () => {
  let asked = 0;
  const view = {};
  const allows = (resource: Resource): boolean => {
    if (resource.kind === "path") asked++;
    return !isHidden(resource);
  };
  const count = async (permit: Permit): Promise<number> => {
    asked = 0;
    const tool = world.adapter.tools().find(({ name }) => name === "vault.tags") as unknown as Tool<unknown, unknown>;
    await tool.run({}, { permit, signal: new AbortController().signal, progress: () => {} });
    return asked;
  };
  expect(await count(permitOf(allows, { view }))).toBeGreaterThan(10);
  expect(await count(permitOf(allows, { view }))).toBe(0);
  expect(await count(permitOf(allows, { view: {} }))).toBeGreaterThan(10);
  expect(await count(permitOf(allows))).toBeGreaterThan(10);
  expect(await count(permitOf(allows))).toBeGreaterThan(10);
});

test("whoever may not read a note gets the answers of a vault without it", async () => {
  const paths = Object.keys(vault);
  const notes = [
    "Garten",
    "Note",
    "Home",
    "САД",
    "Plan B",
    "Jardin",
    "Recette",
    "pump.jpg",
    "private/Note",
    garden,
    "Pumpe",
    "日記/2024-05-01",
  ];
  const calls = [
    ...notes.flatMap((note) => [
      ["vault.note", { note }],
      ["vault.links", { note, depth: 3 }],
      ["vault.links", { note, direction: "in", depth: 2 }],
    ]),
    ["vault.tags", {}],
    ...["projekt", "index", "сад"].map((tag) => ["vault.tags", { tag }]),
  ] as [string, unknown][];
  const outcome = async (
    of: ReturnType<typeof serve>,
    [name, input]: [string, unknown],
    by: Permit,
  ): Promise<unknown> => {
    try {
      return await call(of, name, input, by);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { code: error.code, message: error.message, details: error.details };
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.subarray(paths), fc.subarray(calls, { minLength: 4, maxLength: 8 }), async (shown, asked) => {
      const visible = new Set(shown);
      const by = permitOf((resource) => resource.kind !== "path" || visible.has(resource.path.slice(root.length + 1)));
      const part = serve(Object.fromEntries(Object.entries(vault).filter(([path]) => visible.has(path))));
      for (const each of asked) expect(await outcome(world, each, by)).toEqual(await outcome(part, each, by));
    }),
    { numRuns: 150 },
  );
});
