import { type Resource, toUri } from "@portcullis/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compare, type Sample } from "./compare.ts";
import { compilePolicy, type Policy } from "./compile.ts";
import { parsePolicy } from "./parse.ts";
import { diffRules, groupRules, type RuleText, toEffects, toRuleTexts } from "./rule-diff.ts";

const places = { home: "/h", served: [{ name: "v", path: "/s/v" }] };
const names = ["/a", "/a/b", "/a/.env", "/s/v/x", "/s/v/x/y.key"];
const sample: Sample = {
  subjects: ["owner", "duck@home", "cat@home"],
  tools: [
    { name: "fs.read", effect: "read", touches: "files" },
    { name: "fs.write", effect: "write", touches: "files" },
    { name: "http.fetch", effect: "read", touches: "urls" },
  ],
  resources: [
    ...names.map((path): Resource => ({ kind: "path", path })),
    { kind: "url", href: "https://a.test/x", method: "GET" },
  ],
  asked: () => 0,
  now: Date.parse("2026-06-01"),
};

interface Set {
  readonly policy: Policy;
  readonly rules: readonly RuleText[];
}

function read(documents: readonly unknown[]): Set {
  const source = { path: "p.yaml", text: documents.map((one) => JSON.stringify(one)).join("\n---\n") };
  const { policy, faults } = compilePolicy([source], places);
  if (!policy) throw new Error(JSON.stringify(faults));
  return { policy, rules: toRuleTexts(parsePolicy(source).documents) };
}

const changedOf = (a: Set, b: Set): readonly RuleText[] => {
  const { added, removed } = diffRules(a.rules, b.rules);
  return [...added, ...removed];
};

const pattern = fc.constantFrom("/a/**", "/a", "@served/**", "**/.env", "**/*.key", "/s/v/x", "https://a.test/**");
const texts = <T>(inner: fc.Arbitrary<T>) => fc.array(inner, { minLength: 1, maxLength: 2 });
const maybe = <T>(inner: fc.Arbitrary<T>) => fc.option(inner, { nil: undefined });
const scope = fc.record({
  tool: texts(fc.constantFrom("fs.read", "fs.*", "*", "http.fetch", "fs.write")),
  allow: texts(pattern.filter((text) => !text.startsWith("**"))),
  deny: maybe(texts(pattern)),
  purposes: maybe(fc.constantFrom(["read"], ["re*", "x"])),
  methods: maybe(fc.constant(["POST"])),
  expires: maybe(fc.constantFrom("2026-01-01", "2027-01-01")),
  consent: maybe(fc.constant("ask")),
});
const documents = fc
  .array(
    fc.record({
      subject: texts(fc.constantFrom("owner", "*@home", "duck@home", "*", "group:g")),
      purpose: maybe(fc.constantFrom("stated", "optional")),
      expires: maybe(fc.constant("2026-01-01")),
      scopes: texts(scope),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => JSON.parse(JSON.stringify([{ groups: { g: ["duck@home", "cat@*"] } }, ...list])) as unknown[]);

type Written = { scopes?: Record<string, unknown>[] } & Record<string, unknown>;

/** One small change: a key that goes or comes, so that most rules stay as they are. */
const edit = fc
  .record({
    document: fc.nat(5),
    scope: fc.nat(5),
    key: fc.constantFrom("purposes", "methods", "expires", "consent", "deny", "purpose"),
    value: fc.constantFrom({ purposes: ["x"] }, { deny: ["/a"] }, { consent: "ask" }, { expires: "2026-01-01" }, {}),
  })
  .map(({ document, scope, key, value }) => (list: readonly unknown[]): readonly unknown[] => {
    const copy = structuredClone(list) as Written[];
    const one = copy[1 + (document % (copy.length - 1))];
    delete one?.[key];
    const its = one?.scopes?.[scope % one.scopes.length];
    if (its) {
      delete its[key];
      Object.assign(its, value);
    }
    return copy;
  });

describe("two sets", () => {
  test("that say the same decide alike, and where they differ, a changed rule is about it", () => {
    fc.assert(
      fc.property(documents, edit, (first, change) => {
        const [before, after] = [read(first), read(change(first))];
        const changed = changedOf(before, after);
        // With a rule that is about everything, every question is asked.
        const everything: RuleText = {
          effect: "allow",
          subject: "*",
          tool: "*",
          pattern: "/**",
          conditions: "",
          purposes: [],
          methods: [],
          place: "",
        };
        const all = [...before.rules, ...after.rules];
        const told = compare(before.policy, after.policy, { all, changed }, sample);
        const whole = compare(before.policy, after.policy, { all, changed: [everything] }, sample);
        for (const way of ["wider", "narrower"] as const) expect(told.tally[way](99)).toEqual(whole.tally[way](99));
        if (changed.length === 0) expect(told.tally.wider(9).count + told.tally.narrower(9).count).toBe(0);
        expect(told.questions).toBe(whole.questions);
        const { wider, narrower } = toEffects(diffRules(before.rules, after.rules), before.rules, after.rules);
        if (wider.length === 0) {
          // Only a condition that changes closes and opens at once, and then both rules are told.
          expect(told.tally.wider(9).examples.filter(({ from }) => from === "deny")).toEqual([]);
        }
        if (narrower.length === 0)
          expect(told.tally.narrower(9).examples.filter(({ to, from }) => to === "deny" && from === "allow")).toEqual(
            [],
          );
      }),
      { numRuns: 600 },
    );
  });

  test("that differ in place, order, groups and ids alone say the same", () => {
    const first = [
      { groups: { g: ["a", "b"] } },
      { subject: "group:g", scopes: [{ id: "x", tool: ["t", "u"], allow: ["/a"], purposes: ["p", "q"] }] },
    ];
    const second = [
      {
        subject: "b",
        scopes: [
          { tool: "u", allow: ["/a"], purposes: ["q", "p"] },
          { tool: "t", allow: ["/a"], purposes: ["p", "q"] },
        ],
      },
      {
        subject: ["a"],
        purpose: "required",
        scopes: [{ id: "y", tool: ["u", "t"], purposes: ["p", "q"], allow: ["/a"] }],
      },
    ];
    expect(changedOf(read(first), read(second))).toEqual([]);
  });
});

test.each([
  [{ purpose: "optional" }, {}, {}],
  [{}, { purpose: "stated" }, {}],
  [{}, {}, { purposes: ["send *"] }],
  [{}, {}, { expires: "2026-01-01" }],
  [{}, {}, { deny: ["/a"], purposes: ["send *"] }],
])("what %j becomes by %j and %j is found", (old, next, scope) => {
  const write = (document: object, more: object): Set =>
    read([{ subject: "owner", ...document, scopes: [{ tool: "fs.read", allow: ["/a"], ...more }] }]);
  const [before, after] = [write(old, {}), write(next, scope)];
  const rules = { all: [...before.rules, ...after.rules], changed: changedOf(before, after) };
  const { tally } = compare(before.policy, after.policy, rules, sample);
  expect([tally.wider(9).count, tally.narrower(9).count]).toEqual([0, 1]);
});

test("a deny that goes is told only where something is allowed", () => {
  const allowing = { subject: "duck@home", scopes: [{ tool: "fs.*", allow: ["/a/**"] }] };
  const denying = (subject: string, tool: string) => ({ subject, scopes: [{ tool, deny: ["/a/b"] }] });
  const effects = (gone: unknown) => {
    const [before, after] = [read([allowing, gone]), read([allowing])];
    return toEffects(diffRules(before.rules, after.rules), before.rules, after.rules);
  };
  expect(effects(denying("*", "fs.read")).wider).toHaveLength(1);
  expect(effects(denying("cat@home", "fs.read")).wider).toEqual([]);
  expect(effects(denying("duck@home", "http.fetch")).wider).toEqual([]);
});

test("rules of one scope are told together, and a group is every combination", () => {
  const { rules } = read([{ subject: ["a", "b"], scopes: [{ tool: ["t", "u"], allow: ["/x", "/y"], deny: ["/z"] }] }]);
  expect(rules).toHaveLength(12);
  expect(groupRules(rules)).toMatchObject([
    { effect: "allow", subjects: ["a", "b"], tools: ["t", "u"], patterns: ["/x", "/y"] },
    { effect: "deny", subjects: ["a", "b"], tools: ["t", "u"], patterns: ["/z"] },
  ]);
});

test("what somebody asked for is told first, then what sounds like a secret, then one of each folder", () => {
  const before = read([{ subject: "owner", scopes: [{ tool: "fs.read", deny: ["/"] }] }]);
  const after = read([{ subject: "owner", scopes: [{ tool: "fs.read", allow: ["/**"] }] }]);
  const paths = ["/a/1", "/a/2", "/b/1", "/b/id_rsa", "/c/9"];
  const resources = paths.map((path): Resource => ({ kind: "path", path }));
  const asked = (_: string, __: string, uri: string): number => (uri === toUri({ kind: "path", path: "/c/9" }) ? 2 : 0);
  const { tally } = compare(
    before.policy,
    after.policy,
    { all: after.rules, changed: after.rules },
    {
      ...sample,
      resources,
      asked,
    },
  );
  expect(tally.wider(9).examples.map(({ resource }) => resource.slice("file://".length))).toEqual([
    "/c/9",
    "/b/id_rsa",
    "/a/1",
    "/b/1",
    "/a/2",
  ]);
  expect(tally.wider(2)).toMatchObject({ count: 5, examples: [{ asked: 2 }, { asked: 0 }] });
});
