import { setTimeout as pause } from "node:timers/promises";
import { CallError, type Resource } from "@portcullis/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AskOptions,
  askSources,
  findSource,
  mergeHits,
  type SearchSource,
  type SourceHit,
} from "./search-source.ts";

const hit = (id: string): SourceHit => ({ id, title: id, text: id });
const lists = (...all: readonly (readonly string[])[]) => all.map((list) => list.map((id) => ({ id })));
const ids = (hits: readonly { readonly id: string }[]): readonly string[] => hits.map(({ id }) => id);

const source = (name: string, search: SearchSource["search"]): SearchSource => ({
  name,
  labels: {},
  resource: (id) => ({ kind: "url", href: `https://${name}.example/${id}`, method: "GET" }),
  search,
  fetch: () => Promise.reject(new Error("not asked for")),
});

const options = (more: Partial<AskOptions> = {}): AskOptions => ({
  query: "q",
  limit: 10,
  allows: () => true,
  signal: new AbortController().signal,
  ...more,
});

test("lists without common ids take turns", () => {
  expect(ids(mergeHits(lists(["a1", "a2", "a3"], ["b1"], ["c1", "c2"]), 10))).toEqual([
    "a1",
    "b1",
    "c1",
    "a2",
    "c2",
    "a3",
  ]);
  expect(ids(mergeHits(lists(["a1", "a2", "a3"], ["b1", "b2"]), 3))).toEqual(["a1", "b1", "a2"]);
  expect(mergeHits([], 10)).toEqual([]);
});

test("what several lists hold rises, and stands once", () => {
  expect(ids(mergeHits(lists(["a1", "both", "a3"], ["b1", "b2", "both", "both"]), 10))).toEqual([
    "both",
    "a1",
    "b1",
    "b2",
    "a3",
  ]);
});

test("a list that names one hit again and again does not lift it", () => {
  expect(ids(mergeHits(lists(["a1", "a2", "a2", "a2"], ["b1"]), 10))).toEqual(["a1", "b1", "a2"]);
});

test("merging gives each hit once, keeps each list's order, and no list more than its turn", () => {
  const anyLists = fc.array(fc.uniqueArray(fc.nat(1_000), { maxLength: 20 }), { maxLength: 5 });
  fc.assert(
    fc.property(anyLists, fc.nat(30), (numbers, limit) => {
      const named = numbers.map((list, which) => list.map((number) => ({ id: `${which}/${number}`, which })));
      const merged = mergeHits(named, limit);
      expect(merged).toEqual(mergeHits(named, limit));
      expect(merged).toHaveLength(Math.min(limit, named.flat().length));
      for (const [which, list] of named.entries()) {
        const mine = merged.filter((each) => each.which === which);
        expect(mine).toEqual(list.slice(0, mine.length));
        const most = Math.max(0, ...named.map((_, other) => merged.filter((each) => each.which === other).length));
        if (mine.length < list.length) expect(most - mine.length).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("a source that fails, or throws what is no CallError, costs its own results only", async () => {
  const faults: unknown[] = [];
  const { lists: found, notes } = await askSources(
    [
      source("good", async () => [hit("good/1")]),
      source("bad", () => Promise.reject(new CallError("UPSTREAM", "bad is down."))),
      source("worse", () => {
        throw new Error("sk-secret");
      }),
    ],
    options({ fault: (_message, error) => faults.push(error) }),
  );
  expect(found.map(ids)).toEqual([["good/1"], [], []]);
  expect(notes).toEqual([
    "bad is down. Its results are missing.",
    "worse could not be searched. Its results are missing.",
  ]);
  expect(faults).toHaveLength(2);
});

test("a source that is late is left behind, even one that ignores its signal", async () => {
  const signals: AbortSignal[] = [];
  const deaf = source("deaf", async ({ signal }) => {
    signals.push(signal);
    await pause(2_000);
    return [hit("deaf/1")];
  });
  const before = performance.now();
  const { lists: found, notes } = await askSources(
    [deaf, source("quick", async () => [hit("quick/1")])],
    options({ withinMs: 50 }),
  );
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(found.map(ids)).toEqual([[], ["quick/1"]]);
  expect(notes).toEqual(["deaf did not answer within 50 ms. Its results are missing."]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test("the caller's own signal ends it all", async () => {
  const controller = new AbortController();
  const never = source("never", () => new Promise(() => {}));
  const asked = askSources([never], options({ signal: controller.signal }));
  controller.abort(new CallError("CANCELLED", "The caller withdrew the call."));
  await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
  await expect(askSources([never], options({ signal: controller.signal }))).rejects.toMatchObject({
    code: "CANCELLED",
  });
});

test("hits that policy hides, or that are not the source's own, do not get through a careless source", async () => {
  const careless = source("careless", async () => [
    hit("careless/hidden"),
    hit("careless/shown"),
    hit("careless/more"),
  ]);
  const allows = (resource: Resource): boolean => resource.kind === "url" && !resource.href.endsWith("hidden");
  const { lists: found } = await askSources([careless], options({ allows, limit: 1 }));
  expect(found.map(ids)).toEqual([["careless/shown"]]);
  const foreign = source("foreign", async () => [hit("vault/diary.md")]);
  const { lists: none, notes } = await askSources([foreign], options());
  expect(none).toEqual([[]]);
  expect(notes).toHaveLength(1);
});

test("an id leads to its source", () => {
  const sources = [source("papers", async () => []), source("other", async () => [])];
  expect(findSource(sources, "papers/file-1")?.name).toBe("papers");
  for (const id of ["", "papers", "vault/file-1", "papers/../file-1", "papers/%66ile-1"])
    expect(findSource(sources, id)).toBeUndefined();
});
