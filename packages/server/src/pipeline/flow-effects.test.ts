import type { Labels, Resource } from "@portcullis/contracts";
import { expect, test } from "vitest";
import { createSourceLabels } from "../source-labels.ts";
import { type Labelled, toEffects, toReads, toSinks } from "./flow-effects.ts";
import type { ValidCall } from "./validate.ts";

const file: Resource = { kind: "path", path: "/notes/a.md" };
const url = (method = "GET"): Resource => ({ kind: "url", href: "https://evil.test/x?q=1", method });
const none = new Map<string, string>();
const web: Labels = { untrusted: true, egress: true };
const of = (resource: Resource, source: Labels, ...scopes: readonly Labels[]): Labelled => ({
  resource,
  source,
  scopes,
});
const call = (labels: Labels | undefined, effect = "read", input: unknown = {}): ValidCall =>
  ({ tool: { name: "a.tool", effect, labels }, input }) as unknown as ValidCall;

test("a file is private by its folder, and public only when every scope that has labels says so", () => {
  const notes = { private: "notes" };
  expect(toReads(of(file, notes), {}, none)).toEqual({ private: ["notes"], untrusted: [] });
  expect(toReads(of(file, notes, { public: true }), {}, none).private).toEqual([]);
  expect(toReads(of(file, notes, { public: true }, { maxBytes: 1 } as Labels), {}, none).private).toEqual(["notes"]);
  expect(toReads(of(file, notes, { private: "health" }), {}, none).private).toEqual(["notes", "health"]);
  expect(toReads(of(file, { ...notes, untrusted: true }), {}, none).untrusted).toEqual(["notes"]);
});

test("what was written carries its labels however public its place is; unreadable labels are all of them", () => {
  const marks = new Map([["file:///notes/a.md", '{"private":["crm"],"untrusted":["web:a"]}']]);
  expect(toReads(of(file, {}, { public: true }), {}, marks)).toEqual({ private: ["crm"], untrusted: ["web:a"] });
  const git: Resource = { kind: "git", repository: "/notes", path: "a.md", rev: "HEAD" };
  expect(toReads(of(git, {}), {}, marks).private).toEqual(["crm"]);
  expect(toReads(of(file, {}), {}, new Map([["file:///notes/a.md", "{"]]))).toEqual({
    private: ["*"],
    untrusted: ["*"],
  });
  // A text in the index that nobody labelled.
  expect(toReads(of(url(), {}), {}, none)).toEqual({ private: ["added"], untrusted: ["added"] });
});

test("a page is untrusted by its host, unless every scope says that only the owner writes there", () => {
  expect(toReads(of(url(), {}), web, none)).toEqual({ private: [], untrusted: ["web:evil.test"] });
  expect(toReads(of(url(), {}, { untrusted: false }), web, none).untrusted).toEqual([]);
  expect(toReads(of(url(), {}, { untrusted: false }, { untrusted: true }), web, none).untrusted).toHaveLength(1);
});

test("a way out is cleared for what every scope that clears names, and fixed by whole arguments alone", () => {
  const cleared = (...scopes: readonly Labels[]) => toSinks(of(url(), {}, ...scopes), web, {})[0]?.clearance;
  expect(cleared()).toEqual([]);
  expect(cleared({ clearance: ["a", "b"] }, { clearance: ["b", "c"] })).toEqual(["b"]);
  expect(cleared({ clearance: ["*"] }, { clearance: ["b"] })).toEqual(["b"]);
  expect(cleared({ clearance: ["*"] })).toEqual(["*"]);
  const fixed = (input: unknown) => toSinks(of(url(), {}, { fixed: [{ url: "x", as: "text" }] }), web, input)[0]?.fixed;
  expect(fixed({ as: "text", url: "x" })).toBe(true);
  expect(fixed({ url: "x" })).toBeUndefined();
  expect(toSinks(of(file, {}), {}, {})).toEqual([]);
  expect(toSinks(of(file, {}, { egress: true }), {}, {})).toEqual([{ to: "path", clearance: [] }]);
});

test("what a call does is the worst of what its tool, method and scopes say; a tool without labels does the worst", () => {
  const does = (made: ValidCall, ...touched: readonly Labelled[]) => toEffects(made, touched, none).consequence;
  expect(does(call(web), of(url(), {}))).toBe("none");
  expect(does(call(web), of(url("POST"), {}))).toBe("external");
  expect(does(call(web), of(url("DELETE"), {}))).toBe("destructive");
  expect(does(call({}, "write"), of(file, {}))).toBe("local");
  expect(does(call({}, "send"), of(file, {}))).toBe("external");
  expect(does(call({}), of(file, {}, { effect: "destructive" }))).toBe("destructive");
  expect(toEffects(call(undefined), [of(file, {})], none)).toMatchObject({
    ...{ consequence: "destructive", reads: { untrusted: ["a.tool"] } },
    sinks: [{ clearance: [] }],
  });
});

test("messages of Discord are untrusted, private where the owner says so, and leave only where Discord has to be asked", () => {
  const message: Resource = { kind: "discord", guild: "1", channel: "2", message: "3" };
  const labels = (...said: Parameters<typeof createSourceLabels>[0]["said"]) =>
    createSourceLabels({ folders: [], stores: [], said }).labelsOf(message);
  expect(toReads(of(message, labels()), {}, none)).toEqual({ private: [], untrusted: ["discord"] });
  expect(toReads(of(message, labels(), { untrusted: false }), {}, none).untrusted).toEqual([]);
  const team = labels({ name: "discord", private: "team" });
  expect(toReads(of(message, team, { private: "crm" }), {}, none)).toEqual({
    private: ["team", "crm"],
    untrusted: ["team"],
  });
  expect(toSinks(of(message, team), {}, {})).toEqual([]);
  expect(toSinks(of({ ...message, elsewhere: true }, labels()), {}, {})).toEqual([{ to: "discord", clearance: [] }]);
  expect(toSinks(of({ ...message, elsewhere: true }, team), {}, {})).toEqual([{ to: "team", clearance: ["team"] }]);
});
