import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { checkPolicies } from "./check.ts";
import { compilePolicy } from "./compile.ts";
import { defaultPolicy } from "./default-policy.ts";
import { toPolicySchema } from "./schema.ts";

const options = {
  home: "/home/me",
  served: [{ name: "vault", path: "/srv/vault" }],
  tools: ["fs.readFile", "fs.list", "http.fetch"],
  checkPattern: (pattern: string) => (pattern.includes("(?=") ? "RE2 has no lookahead." : undefined),
};

const faultsOf = (text: string): readonly string[] =>
  compilePolicy([{ path: "p.yaml", text }], options).faults.map(
    ({ line, column, message, suggestion }) => `${line}:${column} ${message}${suggestion ? ` [${suggestion}]` : ""}`,
  );

const scope = (line: string): string => `subject: owner\nscopes:\n  - { tool: fs.readFile, ${line} }\n`;

test("every fault of a file is told at its place, in one go", () => {
  const text = `
subject: duck@home
purpse: required
scopes:
  - tool: fs.readFle
    allow: [notes/**, "/srv/{a,b}/**", "/srv/docs/", "@valt/x"]
    rate: { perMinute: 0, burst: 30, bust: 1 }
    expires: 2026-02-31
  - tool: http.fetch
    alow: ["https://a.test/**"]
    methods: [post]
    deny:
---
subject: [group:stff, 1]
scopes: 3
---
groups: { staff: [a, "group:x"] }
`;
  expect(faultsOf(text)).toEqual([
    '3:1 There is no key "purpse" here. [purpose]',
    "5:11 There is no tool named fs.readFle. [fs.readFile]",
    expect.stringMatching(/^6:13 "notes\/\*\*" begins nowhere.* \[@served\/notes\/\*\*\]$/),
    expect.stringMatching(/^6:23 { has no meaning/),
    expect.stringMatching(/^6:40 A pattern does not end in a slash/),
    expect.stringMatching(/^6:54 No served folder is named valt .* \[@vault\]$/),
    expect.stringMatching(/^7:24 Here belongs a number above 0/),
    '7:38 There is no key "bust" here. [burst]',
    expect.stringMatching(/^8:14 Here belongs a date/),
    '10:5 There is no key "alow" here. [allow]',
    expect.stringMatching(/^11:15 Here belongs one of GET.* \[POST\]$/),
    "12:10 Here belongs a list of texts.",
    "14:23 Here belongs a text of 1 to 8192 characters.",
    "15:9 Here belongs a list.",
    "17:22 A group holds subjects, no other groups.",
  ]);
});

describe("a fault", () => {
  test.each([
    ["subject: a\nsubject: b\nscopes: []\n", /^2:1 This key stands here twice/],
    ["subject: [a\nscopes: x\n", /^2:1 This is no YAML/],
    ["subject: a\n\tscopes: x\n", /^2:1/],
    ["subject: owner\n", /^1:1 A document with subject needs scopes too/],
    ["scopes:\n  - { tool: fs.readFile, allow: [/a] }\n", /^1:1 A document with scopes needs subject too/],
    ["description: x\n", /^1:1 A policy document needs/],
    ["- a\n", /^1:1 Here belongs a group of keys/],
    ["subject: !!js/function x\nscopes: []\n", /^1:10 .*tag/],
    ["subject: *nobody\nscopes: []\n", /alias/i],
    ["subject: owner\nscopes:\n  - allow: [/a]\n", /^3:5 The key tool is missing/],
    ["subject: owner\nscopes: []\n", /^2:9 This list is empty/],
    ["subject: group:nobody\nscopes: [{ tool: fs.readFile, allow: [/a] }]\n", /^1:10 There is no group/],
    [scope(""), /^3:5 A scope needs allow or deny/],
    [scope("deny: [/a], redact: { patterns: [x] }"), /^3:\d+ redact has no effect/],
    [scope("allow: ['**/x']"), /An allow has to begin at a place/],
    [scope("allow: ['/a/../b']"), /\. or \.\. segment/],
    [scope("allow: ['/a//b']"), /empty segment/],
    [scope("allow: ['~root/x']"), /home only/],
    [scope("allow: ['file:///a']"), /path, not its URL/],
    [scope("allow: ['ftp://a.test/x']"), /http:\/\/, https/],
    [scope('allow: ["/a\\nb"]'), /control characters/],
    [scope("allow: [/a], redact: { patterns: ['(?=x)'] }"), /^3:\d+ RE2 has no lookahead/],
    [scope("allow: [/a], expires: 2027-01-01T10:00"), /zone/],
    [scope("allow: [/a], id: 'a b'"), /An id is/],
    [
      `${scope("allow: [/a], id: x")}---\n${scope("allow: [/a], id: x")}`,
      /^7:\d+ The scope at p.yaml:3 has this id too/,
    ],
    ["groups: { a: [x] }\n---\ngroups: { a: [y] }\n", /^3:\d+ The group a is defined elsewhere/],
    ["subject: 'a b'\nscopes: [{ tool: fs.readFile, allow: [/a] }]\n", /^1:10 A name has no spaces/],
    ["subject: owner\nscopes: [{ tool: fs_readFile, allow: [/a] }]\n", /\[fs.readFile\]$/],
  ])("%j", (text, expected) => {
    expect(faultsOf(text).join("\n")).toMatch(expected);
  });

  test("of a file that is too long is told without reading it", () => {
    expect(faultsOf(`subject: ${"x".repeat(1_048_576)}\n`)).toEqual([expect.stringMatching(/^1:1 A policy file may/)]);
  });

  test("of anchors that multiply is told before they have", () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefgh"
      .split("")
      .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${"abcdefgh"[index]}`).join(", ")}]`)
      .join("\n")}\n`;
    const start = performance.now();
    expect(faultsOf(bomb).join()).toMatch(/alias/i);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("in one file keeps every file from taking effect", () => {
    const good = { path: "a.yaml", text: scope("allow: [/a]") };
    const { policy, faults } = compilePolicy([good, { path: "b.yaml", text: "x: 1\n" }], options);
    expect(policy).toBeUndefined();
    expect(faults).toMatchObject([{ path: "b.yaml", line: 1, column: 1 }, { path: "b.yaml" }]);
  });
});

test("keys of JavaScript objects are unknown keys", () => {
  for (const key of ["__proto__", "constructor", "toString"])
    expect(faultsOf(`${key}: {}\n${scope("allow: [/a]")}`).join()).toContain(`There is no key "${key}"`);
});

test("anchors are resolved, several documents and empty ones are read, and BOM and CRLF do no harm", () => {
  const text = `\uFEFF---\n---\nsubject: &me owner\nscopes:\n  - &s { tool: fs.readFile, allow: &paths [/a] }\n  - *s\n---\nsubject: *me2\n`;
  expect(faultsOf(text).join()).toMatch(/alias/i);
  const good = `\uFEFF---\n---\nsubject: owner\nscopes:\n  - &s { tool: fs.readFile, allow: &paths [/a] }\n  - *s\n  - { tool: fs.list, allow: *paths }\n`;
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text: good.replaceAll("\n", "\r\n") }], options);
  expect(faults).toEqual([]);
  expect(policy).toMatchObject({ documents: 1, scopes: 3 });
});

test("a tool that is not there yet is a note, not a fault", () => {
  const report = checkPolicies(
    [{ path: "p.yaml", text: "subject: owner\nscopes: [{ tool: [discord.search, 'vault.*'], allow: [/a] }]\n" }],
    options,
  );
  expect(report.ok).toBe(true);
  expect(report.warnings).toHaveLength(2);
  expect(report.text).toMatch(/p.yaml:2:19: note: .*discord\.search/);
});

test("the published schema accepts what the parser accepts, and refuses unknown keys", () => {
  const validate = new Ajv2020({ strict: false }).compile(toPolicySchema());
  expect(validate({ subject: "owner", scopes: [{ tool: "fs.readFile", allow: ["/a"], rate: { perMinute: 1 } }] })).toBe(
    true,
  );
  expect(validate({ groups: { a: ["x"] } })).toBe(true);
  expect(validate({ subject: "owner" })).toBe(false);
  expect(validate({ subject: "owner", scopes: [{ tool: "x", alow: [] }] })).toBe(false);
});

test("the examples of the documentation are without fault", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../../docs/policy.md"), "utf8");
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)]
    .map(([, example]) => example ?? "")
    .filter((example) => !example.startsWith("# policies/tests/"));
  expect(examples.length).toBeGreaterThan(4);
  const { tools: _any, ...anyTool } = options;
  for (const example of examples)
    expect(compilePolicy([{ path: "policy.md", text: example }], anyTool).faults, example).toEqual([]);
});

test("the default policy is without fault", () => {
  expect(
    checkPolicies([{ path: "owner.yaml", text: defaultPolicy() }], { home: options.home, served: options.served }).text,
  ).toMatch(/^Good: 1 file, 1 document, 2 scopes/);
});
