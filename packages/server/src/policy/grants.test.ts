import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePolicy, type Policy } from "./compile.ts";
import { type Grant, toGrantId } from "./grants.ts";
import type { Question } from "./verdict.ts";

const now = 1_000_000;
const options = { home: "/home/duck", served: [{ name: "notes", path: "/notes" }] };

const compile = (text: string): Policy => {
  const { policy, faults } = compilePolicy([{ path: "a.yaml", text }], options);
  if (!policy) throw new Error(JSON.stringify(faults));
  return policy;
};
const grant = (more: Partial<Grant> = {}): Grant => ({
  id: "G1",
  subject: "duck",
  client: "token",
  tool: "fs.readFile",
  patterns: ["/notes/plans/**"],
  methods: [],
  call: null,
  purpose: null,
  expiresAt: now + 1_000,
  ...more,
});
const ask = (more: Partial<Question> = {}): Question => ({
  subject: "duck",
  tool: "fs.readFile",
  effect: "read",
  resource: { kind: "path", path: "/notes/plans/a.md" },
  purpose: { text: "to see", stated: true },
  now,
  client: "token",
  call: "call",
  ...more,
});

const policy = compile(`
subject: duck
scopes:
  - { id: open, tool: fs.readFile, allow: [/notes/open/**] }
  - { id: ask, tool: fs.readFile, allow: [/notes/ask/**], consent: ask, maxBytes: 100, rate: { perMinute: 5 }, redact: { patterns: [x] } }
  - { id: shut, tool: "fs.*", deny: [/notes/plans/private/**] }
  - { id: late, tool: fs.readFile, allow: [/notes/late/**], expires: 1970-01-01 }
  - { id: urls, tool: "http.*", allow: ["https://example.com/**"] }
`);

describe("a policy with grants", () => {
  test("allows what a grant covers, and names the grant", () => {
    const verdict = policy.with([grant()]).decide(ask());
    expect(verdict).toMatchObject({ effect: "allow", scope: { id: "grant:G1" } });
    expect(verdict.scope && toGrantId(verdict.scope)).toBe("G1");
    expect(policy.decide(ask())).toMatchObject({ effect: "deny", reason: "no_allow" });
  });

  test.each<[string, Partial<Grant>, Partial<Question>]>([
    ["another subject", {}, { subject: "cat" }],
    ["another client", {}, { client: "other" }],
    ["no client", { client: "" }, { client: undefined as never }],
    ["another tool", {}, { tool: "fs.stat" }],
    ["another place", {}, { resource: { kind: "path", path: "/notes/plansx/a.md" } }],
    ["a time that is over", {}, { now: now + 1_000 }],
    ["another call", { call: "call" }, { call: "cbll" }],
    ["no call", { call: "call" }, { call: undefined as never }],
    ["another purpose", { purpose: "to see" }, { purpose: { text: "to sea", stated: true } }],
    ["no purpose", { purpose: "to see" }, { purpose: { stated: false } }],
    ["a pattern that is none", { patterns: ["plans/**", "@nowhere/**"] }, {}],
    ["what a deny covers", {}, { resource: { kind: "path", path: "/notes/plans/private/a.md" } }],
    [
      "a method that it does not name",
      { tool: "http.fetch", patterns: ["https://example.com/a"] },
      { tool: "http.fetch", effect: "send", resource: { kind: "url", href: "https://example.com/a", method: "POST" } },
    ],
  ])("counts nothing for %s", (_, ofGrant, ofQuestion) => {
    expect(policy.with([grant(ofGrant)]).decide(ask(ofQuestion))).toMatchObject({ effect: "deny" });
  });

  test("answers consent: ask, while what that scope asks still adds up", () => {
    const question = ask({ resource: { kind: "path", path: "/notes/ask/a.md" } });
    expect(policy.decide(question)).toMatchObject({ effect: "deny", reason: "consent" });
    expect(policy.with([grant({ patterns: ["/notes/ask/a.md"] })]).decide(question)).toMatchObject({
      effect: "allow",
      obligations: { maxBytes: 100, redact: ["x"], rates: [{ scope: "ask", perMinute: 5 }] },
    });
  });

  test("is not touched where policy alone allows, so that a grant of one call is not used up", () => {
    const question = ask({ resource: { kind: "path", path: "/notes/open/a.md" } });
    expect(policy.with([grant({ patterns: ["/notes/**"], call: "call" })]).decide(question)).toMatchObject({
      scopes: [{ id: "open" }],
    });
    const both = [grant({ id: "once", call: "call" }), grant({ id: "hour" })];
    expect(policy.with(both).decide(ask())).toMatchObject({ scopes: [{ id: "grant:hour" }] });
  });

  test("helps a subject that no document names, and shows the tool", () => {
    const strange = grant({ subject: "strange" });
    const tools = [
      { name: "fs.readFile", effect: "read" },
      { name: "fs.stat", effect: "read" },
    ] as const;
    const whole = policy.with([strange]);
    expect(whole.decide(ask({ subject: "strange" }))).toMatchObject({ effect: "allow" });
    expect(whole.tools({ subject: "strange", client: "token" }, tools, now)).toEqual(["fs.readFile"]);
    expect(whole.tools({ subject: "strange", client: "other" }, tools, now)).toEqual([]);
    expect(whole.tools({ subject: "strange", client: "token" }, tools, now + 1_000)).toEqual([]);
  });

  test("names the tool and the method of what sends", () => {
    const sends = grant({ tool: "http.fetch", patterns: ["https://example.com/a"], methods: ["POST"] });
    const question = ask({
      tool: "http.fetch",
      effect: "send",
      resource: { kind: "url", href: "https://example.com/a", method: "POST" },
    });
    expect(policy.with([sends]).decide(question)).toMatchObject({ effect: "allow" });
    expect(policy.with([sends]).decide({ ...question, purpose: { stated: false } })).toMatchObject({ effect: "deny" });
  });

  test("has another view while a grant holds, and the same one as before when it is over", () => {
    const { resource: _, ...question } = ask();
    const whole = policy.with([grant()]);
    const alone = policy.view(question);
    expect(whole.view(question)).not.toBe(alone);
    expect(whole.view(question)).toBe(policy.with([grant()]).view(question));
    expect(whole.view({ ...question, client: "other" })).toBe(alone);
    expect(whole.view({ ...question, now: now + 1_000 })).toBe(alone);
  });

  test("explains its grants, and whose they are", () => {
    const whole = policy.with([grant()]);
    expect(whole.explain(ask()).deciding).toMatchObject([{ scope: { id: "grant:G1" }, outcome: "allows" }]);
    expect(whole.explain(ask({ client: "other" })).nearMisses).toContainEqual(
      expect.objectContaining({ scope: expect.objectContaining({ id: "grant:G1" }), condition: "client" }),
    );
  });
});

test("grants never open what a deny closes, never close anything, and open nothing but what their patterns cover", () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
  const pattern = fc.tuple(path, fc.boolean()).map(([text, open]) => (open ? `${text}/**` : text));
  const scope = fc.record({ effect: fc.constantFrom("allow", "deny"), pattern, asks: fc.boolean() });
  const world = fc.record({
    scopes: fc.array(scope, { maxLength: 5 }),
    grants: fc.array(
      fc.record({
        pattern,
        client: fc.constantFrom("one", "two"),
        life: fc.integer({ min: -2, max: 2 }),
        once: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    path,
    client: fc.constantFrom("one", "two"),
    call: fc.constantFrom("x", "y"),
  });
  const covers = (text: string, at: string): boolean =>
    text.endsWith("/**") ? at === text.slice(0, -3) || at.startsWith(text.slice(0, -2)) : at === text;
  fc.assert(
    fc.property(world, ({ scopes, grants, path: at, client, call }) => {
      const lines = scopes.map(({ effect, pattern: text, asks }) =>
        effect === "deny"
          ? `  - { tool: fs.readFile, deny: ["${text}"] }`
          : `  - { tool: fs.readFile, allow: ["${text}"]${asks ? ", consent: ask" : ""} }`,
      );
      const alone = compile(
        lines.length === 0
          ? "subject: cat\nscopes: [{ tool: fs.stat, deny: [/z] }]\n"
          : `subject: duck\nscopes:\n${lines.join("\n")}\n`,
      );
      const whole = alone.with(
        grants.map(({ pattern: text, client: of, life, once }, index) =>
          grant({ id: `${index}`, patterns: [text], client: of, expiresAt: now + life, call: once ? "x" : null }),
        ),
      );
      const question = ask({ resource: { kind: "path", path: at }, client, call });
      const [before, after] = [alone.decide(question), whole.decide(question)];
      const denied = scopes.some(
        ({ effect, pattern: text }) => effect === "deny" && (covers(text, at) || at.startsWith(`${text}/`)),
      );
      const granted = grants.some(
        (one) => one.client === client && one.life > 0 && (!one.once || call === "x") && covers(one.pattern, at),
      );
      const expected = denied ? "deny" : before.effect === "allow" || granted ? "allow" : "deny";
      expect(after.effect).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});
