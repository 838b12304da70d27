import type { Resource } from "@portcullis/contracts";
import { describe, expect, test } from "vitest";
import { toExplanationText } from "./check.ts";
import { compilePolicy, emptyPolicy, type Policy } from "./compile.ts";
import type { Question, Verdict } from "./verdict.ts";

const places = { home: "/home/me", served: [{ name: "vault", path: "/srv/vault" }] };

function compile(...texts: readonly string[]): Policy {
  const { policy, faults } = compilePolicy(
    texts.map((text, index) => ({ path: `policies/p${index}.yaml`, text })),
    places,
  );
  if (!policy) throw new Error(JSON.stringify(faults));
  return policy;
}

const now = Date.parse("2026-06-01T12:00:00Z");
const file = (path: string, collection?: boolean): Resource => ({
  kind: "path",
  path,
  ...(collection && { collection }),
});
const url = (href: string, method = "GET"): Resource => ({ kind: "url", href, method });
const ask = (resource: Resource, more: Partial<Question> = {}): Question => ({
  subject: "duck@home",
  tool: resource.kind === "url" ? "http.fetch" : "fs.readFile",
  effect: "read",
  resource,
  purpose: { text: "summarize-todo", stated: true },
  now,
  ...more,
});
const reasonOf = (verdict: Verdict): string => (verdict.effect === "allow" ? "allow" : verdict.reason);

const example = `
subject: "duck@home"
scopes:
  - tool: "fs.readFile"
    allow: ["~/notes/**", "/srv/docs/**"]
    deny:  ["~/.ssh/**"]
    rate:  { perMinute: 60, burst: 30 }
    redact: { patterns: ["(?i)(api[_-]?key|token)\\\\s*[:=]\\\\s*([A-Za-z0-9-_]+)"] }
  - tool: "http.fetch"
    allow: ["https://raw.githubusercontent.com/me/**", "http://127.0.0.1:*/**"]
`;

describe("the specification's example", () => {
  const policy = compile(example);
  test.each<[Question, string]>([
    [ask(file("/home/me/notes/todo.md")), "allow"],
    [ask(file("/home/me/notes/.hidden/a")), "allow"],
    [ask(file("/home/me/notesx")), "no_allow"],
    [ask(file("/home/me/.ssh/id_rsa")), "denied"],
    [ask(file("/srv/docs")), "allow"],
    [ask(file("/etc/passwd")), "no_allow"],
    [ask(file("/home/me/notes/todo.md"), { tool: "fs.stat" }), "no_scope"],
    [ask(file("/home/me/notes/todo.md"), { subject: "cat@home" }), "unknown_subject"],
    [ask(file("/home/me/notes/todo.md"), { purpose: { stated: false } }), "purpose_required"],
    [ask(file("/home/me/notes/todo.md"), { purpose: { text: "  ", stated: true } }), "purpose_required"],
    [ask(file("/home/me/notes/todo.md"), { purpose: { text: "default", stated: false } }), "allow"],
    [ask(url("https://raw.githubusercontent.com/me/x")), "allow"],
    [ask(url("http://127.0.0.1:8080/x?y")), "allow"],
    [ask(url("https://raw.githubusercontent.com/you/x")), "no_allow"],
    [ask(url("https://raw.githubusercontent.com/me/x", "POST")), "method_not_named"],
  ])("%j: %s", (question, expected) => {
    expect(reasonOf(policy.decide(question))).toBe(expected);
  });

  test("hands on what the scope asks", () => {
    const verdict = policy.decide(ask(file("/srv/docs/a")));
    expect(verdict).toMatchObject({
      scope: { id: "p0.yaml#1", file: "p0.yaml", line: 4 },
      obligations: {
        rates: [{ scope: "p0.yaml#1", perMinute: 60, burst: 30 }],
        redact: [expect.stringContaining("api")],
      },
    });
  });
});

describe("resources", () => {
  const policy = compile(
    "subject: '*'\nscopes:\n  - { tool: '*', allow: ['/**', 'http://*:*/**', 'https://*:*/**'], deny: ['/a/secret'] }",
  );
  test.each([
    file("a"),
    file(""),
    file("/a/../b"),
    file("/a/./b"),
    file("/a//b"),
    file("/a/"),
    file("/a\u0000b"),
    file("/\ud800"),
    url("https://A.test/"),
    url("https://u:p@a.test/"),
    url("nonsense"),
    url("ftp://a.test/"),
    url("https://a.test/", "get"),
    { kind: "git", repository: "/a", path: "../b" } as const,
    { kind: "git", repository: "/a", path: "b", rev: "--output=x" } as const,
    { kind: "git", repository: "/a", path: "b", rev: "main\n" } as const,
    { kind: "git", repository: "/a", path: "b", rev: "" } as const,
    { kind: "git", repository: "a", path: "b" } as const,
    { kind: "socket" } as unknown as Resource,
  ])("%j has no canonical form and is refused", (resource) => {
    const verdict = policy.decide(ask(resource));
    expect(verdict).toMatchObject({ effect: "deny", reason: "error", proposal: null });
    expect(JSON.parse(JSON.stringify(verdict))).toMatchObject({
      message: expect.any(String),
      next: expect.any(String),
    });
  });

  test("a deny of a folder covers what lies in it, also inside a repository", () => {
    expect(reasonOf(policy.decide(ask(file("/a/secret/x"))))).toBe("denied");
    expect(reasonOf(policy.decide(ask({ kind: "git", repository: "/a", path: "secret/x" })))).toBe("denied");
    expect(reasonOf(policy.decide(ask({ kind: "git", repository: "/a", path: "" })))).toBe("allow");
    expect(reasonOf(policy.decide(ask(file("/a/secrets"))))).toBe("allow");
  });

  test("a clock that tells no time allows nothing", () => {
    expect(reasonOf(policy.decide(ask(file("/x"), { now: Number.NaN })))).toBe("error");
  });
});

describe("collections", () => {
  const policy = compile(`
subject: duck@home
scopes:
  - { tool: "fs.*", allow: ["/srv/docs/*/open/**"], deny: ["/srv/docs/x/**"], maxBytes: 10 }
  - { tool: search, allow: ["@served/**"], deny: ["@served/private/**"] }
  - { tool: nothing, allow: ["@served/**"], deny: ["/**"] }
`);
  const index: Resource = { kind: "index", name: "main", collection: true };
  test.each<[Question, string]>([
    [ask(file("/srv/docs", true)), "allow"],
    [ask(file("/", true)), "allow"],
    [ask(file("/srv/docs/a/open/b", true)), "allow"],
    [ask(file("/srv/docs/a/shut", true)), "no_allow"],
    [ask(file("/srv/docs/x", true)), "denied"],
    [ask(file("/srv/docs")), "no_allow"],
    [ask(index, { tool: "search" }), "allow"],
    [ask(index, { tool: "nothing" }), "denied"],
    [ask(index, { tool: "other" }), "no_scope"],
    [ask(file("/srv/vault/a"), { tool: "search" }), "allow"],
    [ask(file("/srv/vault/private/a"), { tool: "search" }), "denied"],
  ])("%j: %s", (question, expected) => {
    expect(reasonOf(policy.decide(question))).toBe(expected);
    expect(reasonOf(policy.decide(question))).toBe(expected);
  });
});

describe("writing", () => {
  const policy = compile(`
subject: duck@home
purpose: optional
scopes:
  - { tool: "*", allow: ["/srv/**", "https://a.test/**"], methods: [POST] }
  - { tool: [fs.writeFile, "fs.*"], allow: ["/srv/out/**"] }
  - { tool: http.fetch, allow: ["https://a.test/api/**"], methods: [POST] }
`);
  const write = (path: string, more: Partial<Question> = {}) =>
    ask(file(path), { tool: "fs.writeFile", effect: "write", ...more });
  test.each<[Question, string]>([
    [write("/srv/out/a"), "allow"],
    [write("/srv/in/a"), "write_not_named"],
    [write("/srv/out/a", { purpose: { stated: false } }), "purpose_required"],
    [ask(file("/srv/a"), { purpose: { stated: false } }), "allow"],
    [ask(file("/srv/out/a"), { tool: "fs.appendFile", effect: "send" }), "write_not_named"],
    [ask(url("https://a.test/api/x", "POST")), "allow"],
    [ask(url("https://a.test/api/x", "HEAD")), "allow"],
    [ask(url("https://a.test/x", "POST")), "write_not_named"],
    [ask(url("https://a.test/api/x", "DELETE")), "method_not_named"],
    [ask(url("https://a.test/api/x", "POST"), { purpose: { stated: false } }), "purpose_required"],
  ])("%j: %s", (question, expected) => {
    expect(reasonOf(policy.decide(question))).toBe(expected);
  });

  test("a tool that writes is shown only where it is named", () => {
    const tools = [
      { name: "fs.writeFile", effect: "write" },
      { name: "fs.appendFile", effect: "write" },
      { name: "fs.readFile", effect: "read" },
    ] as const;
    expect(policy.tools("duck@home", tools, now)).toEqual(["fs.writeFile", "fs.readFile"]);
    expect(policy.tools("cat@home", tools, now)).toEqual([]);
  });
});

describe("conditions", () => {
  test("a purpose that has to be stated does not come from the client's default", () => {
    const policy = compile("subject: duck@home\npurpose: stated\nscopes:\n  - { tool: fs.readFile, allow: ['/**'] }");
    const verdict = policy.decide(ask(file("/a"), { purpose: { text: "default", stated: false } }));
    expect(verdict).toMatchObject({ reason: "purpose_required", proposal: null });
    expect(reasonOf(policy.decide(ask(file("/a"))))).toBe("allow");
  });

  test("a deny has no way around it: not by purpose, method or expiry of the allow", () => {
    const policy = compile(`
subject: duck@home
purpose: optional
scopes:
  - { tool: http.fetch, allow: ["https://a.test/**"], deny: ["https://a.test/x"], purposes: ["read*"], methods: [POST] }
  - { tool: http.fetch, allow: ["https://a.test/**"] }
`);
    expect(reasonOf(policy.decide(ask(url("https://a.test/x"), { purpose: { stated: false } })))).toBe("denied");
    expect(reasonOf(policy.decide(ask(url("https://a.test/y"), { purpose: { stated: false } })))).toBe("allow");
  });

  test("a scope ends with the first moment of its day, and its document with it", () => {
    const scope = (expires: string): string =>
      `subject: duck@home\nexpires: 2030-01-01\nscopes:\n  - { tool: fs.readFile, allow: ['/**'], expires: ${expires} }`;
    const at = (text: string) => ({ now: Date.parse(text) });
    const policy = compile(scope("2027-02-01"));
    expect(reasonOf(policy.decide(ask(file("/a"), at("2027-01-31T23:59:59Z"))))).toBe("allow");
    expect(reasonOf(policy.decide(ask(file("/a"), at("2027-02-01T00:00:00Z"))))).toBe("expired");
    expect(reasonOf(compile(scope("2031-01-01")).decide(ask(file("/a"), at("2030-01-01T00:00:00Z"))))).toBe("expired");
    expect(policy.tools("duck@home", [{ name: "fs.readFile", effect: "read" }], Date.parse("2027-03-01"))).toEqual([]);
  });

  test("what scopes ask adds up, and sizes take the least", () => {
    const policy = compile(`
subject: "*"
scopes:
  - { id: wide, tool: "*", allow: ["/**"], maxBytes: 100, redact: { patterns: [a] }, rate: { perMinute: 60, burst: 30 } }
  - { id: narrow, tool: fs.readFile, allow: ["/x/**"], maxBytes: 200, redact: { patterns: [b, a] }, rate: { perMinute: 600 }, hardlinks: allow }
`);
    expect(policy.decide(ask(file("/x/a")))).toMatchObject({
      scope: { id: "narrow" },
      scopes: [{ id: "narrow" }, { id: "wide" }],
      obligations: {
        maxBytes: 100,
        redact: ["a", "b"],
        rates: [
          { scope: "narrow", perMinute: 600, burst: 600 },
          { scope: "wide", perMinute: 60, burst: 30 },
        ],
        hardlinks: true,
      },
    });
  });

  test("one scope that asks the owner makes all ask", () => {
    const policy = compile(`
subject: duck@home
scopes:
  - { tool: fs.readFile, allow: ["/**"] }
  - { tool: fs.readFile, allow: ["/tax/**"], consent: ask }
`);
    expect(policy.decide(ask(file("/tax/a")))).toMatchObject({ reason: "consent", proposal: null });
    expect(reasonOf(policy.decide(ask(file("/a"))))).toBe("allow");
  });
});

describe("subjects", () => {
  const policy = compile(
    "groups: { family: [cat@home, '*@work'] }",
    "subject: [group:family, owner]\nscopes:\n  - { tool: fs.readFile, allow: ['/**'] }",
  );
  test.each([
    ["cat@home", "allow"],
    ["duck@work", "allow"],
    ["owner", "allow"],
    ["dog@home", "unknown_subject"],
    ["cat@home@work", "unknown_subject"],
    ["Owner", "unknown_subject"],
    ["group:family", "unknown_subject"],
  ])("%s: %s", (subject, expected) => {
    expect(reasonOf(policy.decide(ask(file("/a"), { subject })))).toBe(expected);
  });
});

describe("a refusal", () => {
  test("speaks of the caller's resource and of no other", () => {
    const policy = compile(`
subject: duck@home
scopes:
  - { id: keys, tool: "*", deny: ["/home/me/very-secret-place/**"] }
  - { tool: "*", allow: ["/srv/other-place/**"] }
`);
    for (const path of ["/home/me/very-secret-place/x", "/home/me/a"]) {
      const said = JSON.stringify(policy.decide(ask(file(path)))).replaceAll(path, "");
      expect(said).not.toMatch(/very-secret|other-place/);
    }
  });

  test("of a deny proposes nothing, and names the scope that decided", () => {
    const policy = compile("subject: duck@home\nscopes:\n  - { id: keys, tool: '*', deny: ['**/*.pem'] }");
    expect(policy.decide(ask(file("/a/b.pem")))).toMatchObject({ scope: { id: "keys" }, proposal: null });
  });

  test("proposes lines that go at the end of any policy file, whatever the name", () => {
    for (const path of ["/a/[id] {x} *.md", '/a/it\'s "q" # : !(x)', "/a/back\\slash", "/a/\u2028é😀", "/a b/- c"]) {
      const verdict = emptyPolicy().decide(ask(file(path)));
      const proposal = verdict.effect === "deny" ? verdict.proposal : null;
      const opened = compile(`${example}\n${proposal?.yaml}`);
      expect(reasonOf(opened.decide(ask(file(path))))).toBe("allow");
      expect(reasonOf(opened.decide(ask(file(`${path}x`))))).toBe("no_allow");
    }
  });
});

describe("an explanation", () => {
  const policy = compile(`
subject: duck@home
scopes:
  - { id: notes, tool: fs.readFile, allow: ["~/notes/**"], purposes: ["read*"] }
  - { id: list, tool: fs.list, allow: ["~/notes/**"] }
  - { id: keys, tool: "*", deny: ["**/*.pem"] }
---
subject: cat@home
scopes:
  - { id: cats, tool: fs.readFile, allow: ["~/notes/**"] }
`);

  test("tells near misses by the first condition that failed, the nearest first", () => {
    const { nearMisses, considered, change } = policy.explain(ask(file("/home/me/notes/a")));
    expect(nearMisses.map(({ scope, condition }) => [scope.id, condition])).toEqual([
      ["notes", "purpose_not_served"],
      ["list", "tool"],
      ["cats", "subject"],
    ]);
    expect(considered.map(({ scope }) => scope.id)).toEqual(["notes", "list", "keys"]);
    expect(change.join("\n")).toContain('allow: ["/home/me/notes/a"]');
  });

  test("names the deny that would have to go", () => {
    const text = toExplanationText(policy.explain(ask(file("/home/me/notes/a.pem"))));
    expect(text).toContain("DENIED (denied)");
    expect(text).toContain("keys (p0.yaml:6) denies");
    expect(text).toContain("**/*.pem");
  });
});

test("the empty policy denies everything, and still proposes", () => {
  const verdict = emptyPolicy().decide(ask(file("/a")));
  expect(verdict).toMatchObject({ effect: "deny", reason: "unknown_subject", proposal: { scope: { allow: ["/a"] } } });
});

test("the hash is of what is said, not of its order or place", () => {
  const [one, two] = [
    `subject: a\nscopes:\n  - { tool: x, allow: [/a] }\n`,
    `subject: b\nscopes:\n  - { allow: [/b], tool: x }\n`,
  ];
  const { hash } = compile(one, two);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(compile(`# moved\n${two.replace("allow: [/b], tool: x", "tool: x, allow: [/b]")}---\n${one}`).hash).toBe(hash);
  expect(compile(one, two.replace("/b]", "/c]")).hash).not.toBe(hash);
});
