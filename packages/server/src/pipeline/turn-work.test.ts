import { expect, test } from "vitest";
import { createTurnWork } from "./turn-work.ts";

test("the place that calls share is told, as far as they share one", () => {
  const work = createTurnWork();
  const calls: [string, unknown][] = [
    ["fs.readFile", { path: "/srv/a/one.md" }],
    ["fs.readFile", { path: "/srv/ab/two.md" }],
    ["fetch", { id: "notes/a.md" }],
    ["fetch", { id: "mail/a.md" }],
    ["search", { query: "one" }],
    ["search", { query: "two" }],
    ["search", { query: "three" }],
    ["fs.stat", { path: "x" }],
  ];
  for (const [at, [tool, args]] of calls.entries()) work.note("t", at + 1, { tool, args });
  expect(work.repeated("t")).toEqual([
    { tool: "search", calls: 3 },
    { tool: "fs.readFile", calls: 2, under: "/srv" },
    { tool: "fetch", calls: 2 },
  ]);
});

test("a turn that begins anew has done nothing yet", () => {
  const work = createTurnWork();
  for (const count of [1, 2, 1]) work.note("t", count, { tool: "search", args: {} });
  expect(work.repeated("t")).toEqual([]);
});

test("arguments of any shape name no place and break nothing", () => {
  const work = createTurnWork();
  const strange = [
    null,
    7,
    "path",
    [],
    { path: 7 },
    { path: "x".repeat(10_000) },
    JSON.parse('{"__proto__":{"path":"/a/b"}}'),
  ];
  for (const [at, args] of strange.entries()) work.note("t", at + 1, { tool: "search", args });
  expect(work.repeated("t")).toEqual([{ tool: "search", calls: strange.length }]);
});

test("only the latest turns and so many tools are remembered", () => {
  const work = createTurnWork();
  for (let turn = 0; turn < 1_001; turn++)
    for (const count of [1, 2]) work.note(String(turn), count, { tool: "search", args: {} });
  expect(work.repeated("0")).toEqual([]);
  expect(work.repeated("1")).toHaveLength(1);
  for (let call = 0; call < 200; call++) work.note("many", call + 1, { tool: `tool${call % 100}`, args: {} });
  expect(work.repeated("many").length).toBeLessThanOrEqual(5);
});
