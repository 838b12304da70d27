import fc from "fast-check";
import { expect, test } from "vitest";
import { toFacts } from "./facts.ts";
import { createLinkGraph, type LinkGraph } from "./link-graph.ts";
import { readNote } from "./read-note.ts";
import { atOnce } from "./steps.ts";
import type { NoteFacts } from "./vault-index.ts";
import { createView } from "./view.ts";

function graphOf(files: Readonly<Record<string, string | undefined>>): LinkGraph {
  const graph = createLinkGraph();
  for (const [path, text] of Object.entries(files)) {
    graph.put(path, text === undefined ? undefined : toFacts(readNote(text), path.replace(/^.*\/|\.md$/g, "")));
  }
  return graph;
}

const to = (graph: LinkGraph, path: string): (string | undefined)[] =>
  graph.linksOf(path).map(({ file }) => file?.path);

test("links resolve by path, by name and by title or alias", () => {
  const graph = graphOf({
    "Home.md": "[[Garten]] [[projekte/Garten]] [[garten.MD]] [[Projekte/Garten.md]] [[nirgends/Garten]] [[nothing]]",
    "projekte/Garten.md":
      "---\naliases: [Jardin, TCP/IP]\n---\n# Der Garten\n[[Home]] [[./Pumpe]] [[../Home]] [[../../Home]]",
    "projekte/Pumpe.md": "[zurück](Garten.md) [oben](../Home.md) [top](/projekte/Garten.md) [root](projekte/Garten.md)",
    "日記/2024-05-01.md": "[[jardin]] [[DER GARTEN]] [[tcp/ip]] [[ip]] [[2024-05-01#x]] [[#y]] [[日記/2024-05-01]]",
  });
  expect(to(graph, "Home.md")).toEqual([
    "projekte/Garten.md",
    "projekte/Garten.md",
    "projekte/Garten.md",
    "projekte/Garten.md",
    undefined,
    undefined,
  ]);
  expect(to(graph, "projekte/Garten.md")).toEqual(["Home.md", "projekte/Pumpe.md", "Home.md", undefined]);
  expect(to(graph, "projekte/Pumpe.md")).toEqual([
    "projekte/Garten.md",
    "Home.md",
    "projekte/Garten.md",
    "projekte/Garten.md",
  ]);
  const garden = "projekte/Garten.md";
  expect(to(graph, "日記/2024-05-01.md")).toEqual([
    garden,
    garden,
    garden,
    undefined,
    "日記/2024-05-01.md",
    "日記/2024-05-01.md",
  ]);
  expect(graph.backlinksOf(garden)).toEqual(["Home.md", "projekte/Pumpe.md", "日記/2024-05-01.md"]);
  expect([...graph.unresolved()]).toEqual([
    ["nirgends/Garten", 1],
    ["nothing", 1],
    ["../../Home", 1],
    ["ip", 1],
  ]);
});

test("of several with one name the exact path wins, then the own folder, then the shortest path", () => {
  const graph = graphOf({
    "a/Note.md": "",
    "b/long/Note.md": "",
    "b/long/deep/Other.md": "[[Note]] [[long/Note]] [[a/Note]]",
    "b/x.md": "[[Note]]",
    "c/x.md": "[[Note]] [[note]] [[photo.jpg]] [[photo]] ![[b/photo.JPG]] [[v1.2 plan]]",
    "b/photo.jpg": undefined,
    "zz/photo.jpg": undefined,
    "plans/v1.2 plan.md": "",
  });
  expect(to(graph, "b/x.md")).toEqual(["b/long/Note.md"]);
  expect(to(graph, "c/x.md")).toEqual([
    "a/Note.md",
    "a/Note.md",
    "b/photo.jpg",
    undefined,
    "b/photo.jpg",
    "plans/v1.2 plan.md",
  ]);
  expect(to(graph, "b/long/deep/Other.md")).toEqual(["a/Note.md", "b/long/Note.md", "a/Note.md"]);
  graph.put("Note.md", { title: "", tags: [], aliases: [], links: [] });
  expect(to(graph, "b/x.md")).toEqual(["Note.md"]);
  expect(graph.backlinksOf("b/photo.jpg")).toEqual(["c/x.md"]);
});

test("a new, renamed or removed note changes what others link to", () => {
  const graph = graphOf({ "a.md": "[[new]] #x/y #z", "b.md": "[[a]] #X/Y" });
  expect(to(graph, "a.md")).toEqual([undefined]);
  graph.put("sub/New.md", toFacts(readNote("[[b]]"), "New"));
  expect(to(graph, "a.md")).toEqual(["sub/New.md"]);
  graph.remove("sub/New.md");
  graph.put("Newer.md", toFacts(readNote("---\nalias: new\n---\n"), "Newer"));
  expect(to(graph, "a.md")).toEqual(["Newer.md"]);
  expect(graph.backlinksOf("Newer.md")).toEqual(["a.md"]);
  expect(graph.backlinksOf("b.md")).toEqual([]);
  expect(Object.fromEntries(graph.tags())).toEqual({ x: 2, "x/y": 2, z: 1 });
  graph.remove("a.md");
  graph.remove("none.md");
  expect(Object.fromEntries(graph.tags())).toEqual({ x: 1, "x/y": 1 });
  expect(graph.size).toBe(2);
});

const name = fc.constantFrom("a", "B", "b", "c", "É", "e\u0301");
const path = fc
  .tuple(fc.constantFrom("", "x/", "y/", "x/z/"), name, fc.constantFrom(".md", ".md", ".png"))
  .map((parts) => parts.join(""));
const target = fc
  .tuple(fc.constantFrom("", "", "x/", "./", "../", "/x/"), name, fc.constantFrom("", ".md", ".png"))
  .map((parts) => parts.join(""));
const facts: fc.Arbitrary<NoteFacts> = fc.record({
  title: name,
  tags: fc.uniqueArray(fc.constantFrom("t", "t/u", "t/u/v", "w")),
  aliases: fc.uniqueArray(name, { maxLength: 2 }),
  links: fc.uniqueArray(target, { maxLength: 5 }),
});
const change = fc.record({ path, facts: fc.option(facts, { nil: undefined }) });

const picture = (graph: LinkGraph) => ({
  files: [...graph.files()]
    .map((file) => ({ path: file.path, out: to(graph, file.path), in: graph.backlinksOf(file.path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1)),
  tags: [...graph.tags()].sort(),
  unresolved: [...graph.unresolved()].sort(),
});

test("changes one by one end where a graph of the last state begins", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const graph = createLinkGraph();
      const last = new Map<string, NoteFacts>();
      for (const { path: at, facts: put } of changes) {
        if (put) {
          graph.put(at, put);
          last.set(at, put);
        } else {
          graph.remove(at);
          last.delete(at);
        }
      }
      const fresh = createLinkGraph();
      for (const [at, put] of last) fresh.put(at, put);
      expect(picture(graph)).toEqual(picture(fresh));
      for (const file of graph.files()) {
        const linking = [...graph.files()].filter(
          (other) => other.note && other.path !== file.path && to(graph, other.path).includes(file.path),
        );
        expect(graph.backlinksOf(file.path)).toEqual(linking.map((other) => other.path).sort());
      }
    }),
    { numRuns: 300 },
  );
});

test("a view is that of a graph without what it hides", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(path, facts), { selector: ([at]) => at, maxLength: 20 }),
      fc.func(fc.boolean()),
      (files, shows) => {
        const whole = createLinkGraph();
        const part = createLinkGraph();
        for (const [at, put] of files) {
          whole.put(at, put);
          if (shows(at)) part.put(at, put);
        }
        const view = () => createView(whole, ({ path: at }) => shows(at));
        for (const file of part.files()) {
          const same = whole.at(file.path);
          if (!same) throw new Error(file.path);
          expect(atOnce(view().linksOf(same)).map((link) => link.file?.path)).toEqual(to(part, file.path));
          expect(atOnce(view().backlinksOf(same)).map((each) => each.path)).toEqual(part.backlinksOf(file.path));
        }
        expect([...atOnce(view().tags())].sort()).toEqual([...part.tags()].sort());
        expect([...atOnce(view().unresolved())].sort()).toEqual([...part.unresolved()].sort());
      },
    ),
    { numRuns: 300 },
  );
});
