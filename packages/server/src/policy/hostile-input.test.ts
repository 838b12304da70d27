import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLivePolicy, type LivePolicy } from "../policy-reload.ts";
import { checkPattern } from "../redaction/patterns.ts";
import { createPolicyFolder } from "../stores/files/policy-store.ts";
import { compilePolicy } from "./compile.ts";

const options = {
  home: "/home/me",
  served: [{ name: "vault", path: "/srv/vault" }],
  tools: ["fs.readFile", "search"],
  checkPattern,
};
const scope = "scopes: [{ tool: fs.readFile, allow: [/a] }]\n";
const good = `subject: owner\n${scope}`;
const pattern = (text: string): string =>
  `subject: owner\nscopes: [{ tool: fs.readFile, allow: [/a], redact: { patterns: [${JSON.stringify(text)}] } }]\n`;
const bomb = `a0: &a0 [x]\n${Array.from({ length: 60 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]\n`).join("")}`;

/** What a file holds, and the line and column of its first fault with a part of what it says. */
const hostile: Readonly<Record<string, readonly [text: string, place: string, says: RegExp]>> = {
  "a merge key": [
    `subject: owner\nscopes:\n  - &s { tool: search, allow: [/a] }\n  - { <<: *s, tool: fs.readFile }\n`,
    "4:7",
    /merge|<</i,
  ],
  "a merge key of the head": [`base: &b { purpose: optional }\n<<: *b\n${good}`, "1:1", /There is no key "base"/],
  "a key twice": [`${good}subject: guest\n`, "3:1", /twice/],
  "a key twice in a scope": [
    "subject: owner\nscopes:\n  - tool: search\n    allow: [/a]\n    tool: fs.readFile\n",
    "5:5",
    /twice/,
  ],
  "a tab for indentation": ["subject: owner\nscopes:\n\t- tool: search\n", "3:1", /spaces, not with tabs/],
  "NUL bytes": [`subject: owner\u0000\n${scope}`, "1:15", /control character U\+0000/],
  "a NUL in quotes": [`subject: "ow\\0ner"\n${scope}`, "1:10", /control|spaces|name/i],
  "an escape character": [`subject: owner # \u001b[2J\n${scope}`, "1:18", /control character U\+001B/],
  "text that turns around": [`subject: owner # \u202e\n${scope}`, "1:18", /U\+202E/],
  "half of a file": [good.slice(0, 30), "2:16", /no YAML|text/i],
  "half of a flow list": ["subject: owner\nscopes:\n  - { tool: fs.readFile, allow: [/a\n", "4:1", /no YAML/],
  "half of a quoted text": ['subject: "own\n', "2:1", /no YAML/],
  "aliases that multiply": [bomb, "1:1", /alias|There is no key/i],
  "an alias of nothing": [`subject: *nobody\n${scope}`, "1:10", /alias/i],
  "an alias of itself": ["subject: owner\nscopes: &s [*s]\n", "2:13", /alias|circle|itself|group of keys/i],
  "an anchor of the whole": [`&a\nsubject: owner\nscopes: [*a]\n`, "2:1", /There is no key "subject"/],
  "flow nested ten thousand deep": [`subject: ${"[".repeat(10_000)}${"]".repeat(10_000)}\n${scope}`, "1:", /deep/],
  "blocks nested ten thousand deep": [
    `subject:\n${Array.from({ length: 900 }, (_, n) => `${" ".repeat(n + 1)}a:\n`).join("")}`,
    "1:1",
    /needs scopes|deep/,
  ],
  "maps nested in flow": [`${"{a: ".repeat(20_000)}1${"}".repeat(20_000)}\n`, "1:", /deep/],
  "a key of half a million characters": [`${"k".repeat(500_000)}: 1\n${good}`, "1:1", /at most 1024 chars/],
  "a key that is a list": [`? [a, b]\n: 1\n${good}`, "1:", /key/],
  "a number for a key": [`1: x\n${good}`, "1:1", /There is no key "1"/],
  "a key named __proto__": [`__proto__: { subject: owner }\n${good}`, "1:1", /There is no key "__proto__"/],
  "constructor in a scope": [
    "subject: owner\nscopes: [{ tool: search, allow: [/a], constructor: { prototype: 1 } }]\n",
    "2:39",
    /There is no key "constructor"/,
  ],
  "a group that is an object's own": [`subject: group:toString\n${scope}`, "1:10", /There is no group/],
  "a group named hasOwnProperty": [`subject: group:hasOwnProperty\n${scope}`, "1:10", /There is no group/],
  "a tag of another language": [`subject: !!python/object/apply:os.system [x]\n${scope}`, "1:10", /tag/i],
  "a binary tag": [`subject: !!binary aGk=\n${scope}`, "1:", /tag|text/i],
  "a directive of another YAML": [`%YAML 9.9\n---\n${good}`, "1:", /version|YAML/],
  "thirty thousand documents": ["---\n".repeat(30_000) + good.replace("owner", "1 x"), "30001:10", /no spaces/],
  "a lone surrogate": [`subject: "\\uD800"\n${scope}`, "1:10", /name|character|surrogate/i],
  "an infinite number": [
    "subject: owner\nscopes: [{ tool: search, allow: [/a], rate: { perMinute: .inf } }]\n",
    "2:58",
    /number/,
  ],
  "no number": ["subject: owner\nscopes: [{ tool: search, allow: [/a], maxBytes: .nan }]\n", "2:49", /number/],
  "a number too large": [
    "subject: owner\nscopes: [{ tool: search, allow: [/a], maxBytes: 1e400 }]\n",
    "2:49",
    /number/,
  ],
  "a pattern with a backreference": [pattern("(a)\\1"), "2:", /RE2|escape|backreference/i],
  "a pattern with a lookahead": [pattern("(?=a)a"), "2:", /RE2|lookahead|perl/i],
  "a pattern that takes the square of its text": [pattern("a.*?b|a"), "2:", /square|long|slow|stall|time|quadratic/i],
  "a pattern that repeats a thousand thousands": [pattern("((a{1000}){1000}){1000}"), "2:", /repe|large|size|big/i],
  "a pattern of the empty text": [pattern("x*"), "2:", /empty|nothing/i],
};

describe("a policy file with", () => {
  test.each(Object.entries(hostile))("%s is a fault at its place, told soon", (_name, [text, place, says]) => {
    const before = process.cpuUsage();
    const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], options);
    const { user } = process.cpuUsage(before);
    expect(policy).toBeUndefined();
    const [first] = faults;
    expect(`${first?.line}:${first?.column} ${first?.message}`).toMatch(says);
    expect(`${first?.line}:${first?.column}`).toMatch(new RegExp(`^${place}`));
    expect(first?.message.length).toBeLessThan(600);
    expect(user / 1_000).toBeLessThan(5_000);
  });

  test("strange but honest form is read", () => {
    const honest = [
      `\uFEFF${good}`,
      good.replaceAll("\n", "\r\n"),
      `# a comment\n\n${good}...\n`,
      good.trimEnd(),
      `"subject": 'owner'\n"scopes":\n- "tool": fs.readFile\n  "allow": ["\\u002Fa"]\n`,
      `%YAML 1.2\n---\n${good}`,
      `subject: owner\nscopes:\n  - tool: fs.readFile\n    allow: &p\n      - /a\n  - tool: search\n    allow: *p\n`,
      "",
      "# nothing yet\n",
    ];
    for (const text of honest) expect(compilePolicy([{ path: "p.yaml", text }], options).faults, text).toEqual([]);
  });
});

test("a group that is named as objects' own parts are is a group like any other", () => {
  const text = "groups: { __proto__: [duck], constructor: [goose] }\n---\nsubject: group:__proto__\n".concat(scope);
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], options);
  expect(faults).toEqual([]);
  const may = (subject: string) =>
    policy?.decide({
      subject,
      tool: "fs.readFile",
      effect: "read",
      resource: { kind: "path", path: "/a" },
      purpose: { text: "test", stated: true },
      now: 0,
    }).effect;
  expect(["duck", "goose", "__proto__", "constructor"].map(may)).toEqual(["allow", "deny", "deny", "deny"]);
  expect(({} as { subject?: unknown }).subject).toBeUndefined();
});

describe("in the folder", () => {
  let folder: string;
  let live: LivePolicy;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "policies-"));
    writeFileSync(join(folder, "a.yaml"), good);
    const store = createPolicyFolder(folder);
    live = await createLivePolicy({ store, compile: () => options, log: { info: () => {}, error: () => {} } });
  });
  afterAll(async () => {
    await live.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A file beside the good one; whatever it is, the good one stays. */
  async function put(make: (path: string) => void): Promise<readonly string[]> {
    const { hash } = live.current();
    const path = join(folder, "b.yaml");
    make(path);
    await live.reload();
    expect(live.current().hash).toBe(hash);
    const told = live
      .faults()
      .map((fault) => `${fault.path.replace(folder, "")}:${fault.line}:${fault.column} ${fault.message}`);
    rmSync(path, { force: true, recursive: true });
    await live.reload();
    expect(live.faults()).toEqual([]);
    return told;
  }

  test.each(Object.entries(hostile))("%s leaves the last good policy in force", async (_name, [text]) => {
    const told = await put((path) => writeFileSync(path, text));
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatch(/^\/b\.yaml:\d+:\d+ /);
  });

  test("50 MB are told without being read", async () => {
    const told = await put((path) => {
      writeFileSync(path, good);
      truncateSync(path, 50_000_000);
    });
    expect(told).toEqual([expect.stringMatching(/^\/b\.yaml:1:1 A policy file may have 1048576 bytes at most/)]);
  });

  test("bytes that are no UTF-8 are told", async () => {
    for (const bytes of [Buffer.from([0xff, 0xfe, 0x73, 0x00]), Buffer.from("subject: caf\xe9\n", "latin1")])
      expect(await put((path) => writeFileSync(path, bytes))).toEqual([
        expect.stringMatching(/^\/b\.yaml:1:\d+ .*UTF-8/),
      ]);
  });

  test("a file that is written slowly is never read half", async () => {
    const text = `subject: guest\nscopes:\n${Array.from({ length: 40 }, (_, n) => `  - { tool: search, allow: [/g${n}] }\n`).join("")}`;
    const path = join(folder, "slow.yaml");
    const seen = new Set<number>();
    for (let end = 0; end < text.length; end += 60) {
      writeFileSync(path, text.slice(0, end));
      await new Promise((resolve) => setTimeout(resolve, 15));
      seen.add(live.current().scopes);
    }
    writeFileSync(path, text);
    await live.reload();
    expect(live.current().scopes).toBe(41);
    // Whole lines of a list are a good policy of their own: what was seen in between can only be less than the end.
    expect(Math.max(...seen)).toBeLessThanOrEqual(41);
    rmSync(path);
    await live.reload();
  });
});
