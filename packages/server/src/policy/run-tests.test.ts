import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runTests, type TestWorld, toTestText } from "./run-tests.ts";
import { parseTests } from "./test-file.ts";

const world: TestWorld = {
  policies: [
    {
      path: "p.yaml",
      text: `subject: duck@home
scopes:
  - { id: notes, tool: [search, fetch, fs.readFile], allow: ["@vault/notes/**"], deny: ["**/diary"] }
  - { id: late, tool: fs.readFile, allow: ["/late"], expires: 2026-06-01 }
  - { id: post, tool: http.fetch, allow: ["https://a.test/**"], methods: [POST], purposes: [send] }
---
subject: owner
scopes: [{ tool: "*", deny: ["**/diary"] }]
`,
    },
  ],
  options: { home: "/h", served: [{ name: "vault", path: "/s/v" }] },
  tools: ["search", "fetch", "fs.readFile", "http.fetch"].map((name) => ({ name, effect: "read" })),
  now: Date.parse("2026-07-01"),
};
const run = (text: string) => runTests([{ path: "t.yaml", text }], world);
const one = (more: string): string => `cases: [{ subject: duck@home, tool: fs.readFile, ${more} }]\n`;

test("the example of the documentation holds", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/policy.md"), "utf8");
  const [, example = ""] = /```yaml\n(# policies\/tests\/.*?)```/s.exec(page) ?? [];
  expect(run(example)).toMatchObject({ ok: true, cases: 15 });
});

test.each([
  "resource: '@vault/notes/a', expect: allow, scope: notes",
  "resource: /s/v/notes/, expect: allow",
  "resource: /late, expect: deny, reason: expired, scope: late",
  "resource: /late, expect: allow, at: 2026-05-31",
  "resource: /s/v/notes/../x, expect: deny, reason: error",
  "tool: http.fetch, resource: https://a.test/x, method: POST, purpose: send, expect: allow",
  "tool: http.fetch, resource: https://a.test/x, method: POST, expect: deny, reason: purpose_not_served",
  "tool: http.fetch, resource: https://a.test/x, method: PUT, purpose: send, expect: deny, reason: method_not_named",
])("holds: %s", (more) => {
  expect(run(one(more).replace("tool: fs.readFile, tool:", "tool:"))).toMatchObject({ ok: true, cases: 1 });
});

test("an answer, a reason or a scope that differs is a miss", () => {
  for (const more of ["expect: deny", "expect: ask", "expect: allow, scope: late"])
    expect(run(one(`resource: /s/v/notes/a, ${more}`)).misses, more).toHaveLength(1);
  const [miss] = run(one("resource: /s/v/diary, expect: deny, reason: no_allow")).misses;
  expect(miss).toMatchObject({
    line: 1,
    expected: { reason: "no_allow" },
    actual: { reason: "denied", scopes: ["notes"] },
  });
});

test.each([
  ["resource: /a, expect: allow, reason: denied", /has no reason/],
  ["resource: /a, expect: deny, reason: consent", /goes with expect: ask/],
  ["resource: a, expect: deny", /begins nowhere/],
  ["resource: '@valt/a', expect: deny", /Did you mean @vault/],
  ["resource: /a, expect: deny, at: soon", /Here belongs a date/],
  ["resource: /a, expect: deny, why: x", /no key "why"/],
  ["expect: deny", /resource is missing/],
])("a fault: %s", (more, says) => {
  const report = run(one(more));
  expect(report).toMatchObject({ ok: false, misses: [] });
  expect(toTestText(report)).toMatch(says);
});

test("cases without a subject or a tool, and policies with faults, prove nothing", () => {
  expect(toTestText(run("cases: [{ resource: /a, expect: deny }]\n"))).toMatch(/no subject.*\n.*no tool/);
  const broken = { ...world, policies: [{ path: "p.yaml", text: "subject: x\n" }] };
  const report = runTests([{ path: "t.yaml", text: one("resource: /a, expect: deny") }], broken);
  expect(report).toMatchObject({ ok: false, misses: [], faults: [{ path: "p.yaml" }] });
});

test("a document with a fault is left out whole", () => {
  const { documents, faults } = parseTests({
    path: "t.yaml",
    text: "cases: [{ resource: /a, expect: deny }, { expect: x }]\n",
  });
  expect(documents).toEqual([]);
  expect(faults).toHaveLength(2);
});
