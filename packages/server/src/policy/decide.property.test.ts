import { type Resource, toUri } from "@portcullis/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Expected, type PolicySet, places, reference } from "../../../../test/support/naive-policy.ts";
import { compilePolicy, type Policy } from "./compile.ts";
import type { PolicyDocument } from "./document.ts";
import type { Question, Verdict } from "./verdict.ts";

/** Policies tried with twenty questions each; raise it for a long run: PORTCULLIS_POLICY_RUNS=50000. */
const runs = Number(process.env.PORTCULLIS_POLICY_RUNS ?? 400);
const questionsPerPolicy = 20;

/* Random policies and questions over few names, so that they meet often. */

const names = ["a", "b", ".c", "ab", "\u00e9"];
const segment = fc.constantFrom(...names);
const wild = fc.constantFrom("*", "**", "a*", "?", "*b", "**", "**", "**", ...names);
const below = (from: fc.Arbitrary<string>) => fc.array(from, { maxLength: 3 }).map((parts) => parts.join("/"));
const join = (head: string, rest: string): string => (rest === "" ? head || "/" : `${head}/${rest}`);
const pathPattern = fc
  .tuple(fc.constantFrom("", "", "~", "@served", "@v", "/s/v", "/h/me"), below(wild))
  .map(([head, rest]) => join(head, rest));
const denyPath = fc.oneof(
  pathPattern,
  below(wild).map((rest) => join("**", rest)),
);
const host = fc.constantFrom("x.test", "a.x.test", "b.a.x.test", "y.test");
// In a URL a question mark begins the query.
const urlPart = wild.filter((part) => part !== "?");
const urlPattern = fc
  .tuple(
    fc.constantFrom("http", "https"),
    fc.oneof(host, fc.constantFrom("*.x.test", "*", "*.test")),
    fc.constantFrom("", ":*", ":80", ":8080"),
    below(urlPart),
  )
  .map(([scheme, name, port, path]) => `${scheme}://${name}${port}/${path}`);
const tool = fc.constantFrom("fs.read", "fs.list", "http.fetch", "w.write");
const toolPattern = fc.oneof(tool, tool, fc.constantFrom("fs.*", "*", "*", "w.*", "*.read", "?s.read"));
const subject = fc.constantFrom("owner", "duck@home", "cat@home", "bee1", "duck@work");
const subjectPattern = fc.oneof(
  subject,
  fc.constantFrom("*", "*", "*", "*@home", "duck@*", "group:staff", "group:pets"),
);
/** Present once in `every` times. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, every = 4): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary, weight: 1 }, { arbitrary: fc.constant(undefined), weight: every - 1 });
const date = fc.constantFrom("2026-01-01", "2026-06-01", "2027-01-01", "2027-01-01", "2027-01-01");
const texts = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 3 });
const purposes = texts(fc.constantFrom("read-*", "*", "write notes", "r??d*"));

const allowing = fc.record({
  tool: fc.oneof(toolPattern, texts(toolPattern)),
  allow: texts(fc.oneof({ arbitrary: pathPattern, weight: 3 }, urlPattern)),
  deny: maybe(texts(fc.oneof({ arbitrary: denyPath, weight: 3 }, urlPattern))),
  methods: maybe(fc.constantFrom(["POST"], ["PUT", "POST"]), 2),
  rate: maybe(fc.record({ perMinute: fc.integer({ min: 1, max: 9 }), burst: fc.integer({ min: 1, max: 9 }) })),
  redact: maybe(fc.constantFrom({ patterns: ["x"] }, { patterns: ["y", "x"] })),
  maxBytes: maybe(fc.integer({ min: 1, max: 9 })),
  purposes: maybe(purposes),
  expires: maybe(date),
  labels: maybe(fc.constantFrom({ private: "health" }, { untrusted: true })),
  consent: maybe(fc.constant("ask" as const), 12),
});
const denying = fc.record({ tool: toolPattern, deny: texts(fc.oneof(denyPath, urlPattern)), expires: maybe(date) });
const document = fc.record({
  subject: fc.oneof(subjectPattern, texts(subjectPattern)),
  purpose: maybe(fc.constantFrom("required", "stated", "optional")),
  expires: maybe(date),
  scopes: fc.array(fc.oneof({ arbitrary: allowing, weight: 6 }, denying), { minLength: 1, maxLength: 4 }),
});
const members = texts(fc.constantFrom("cat@home", "bee*", "duck@*", "*@work"));
const policySet = fc
  .record({
    groups: fc.record({ staff: members, pets: members }),
    documents: fc.array(document, { minLength: 1, maxLength: 4 }),
  })
  .map(({ groups, documents }): PolicySet => {
    let count = 0;
    const named = documents.map((one) => ({
      ...one,
      scopes: one.scopes.map((scope) => ({ ...scope, id: `s${count++}` })),
    }));
    return { groups, documents: JSON.parse(JSON.stringify(named)) as PolicyDocument[] };
  });

const filePath = fc
  .tuple(fc.constantFrom("", "/h/me", "/s/v", "/s/w/x"), below(segment))
  .map(([root, rest]) => join(root, rest));
const collection = fc.boolean();
const resource: fc.Arbitrary<Resource> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("path" as const), path: filePath }), weight: 4 },
  fc.record({ kind: fc.constant("path" as const), path: filePath, collection }),
  fc.record({
    kind: fc.constant("git" as const),
    repository: fc.constantFrom("/s/v", "/s/v/a"),
    path: below(segment),
    collection,
  }),
  fc
    .record({
      scheme: fc.constantFrom("http", "https"),
      host,
      port: fc.constantFrom("", ":8080"),
      path: below(segment),
      method: fc.constantFrom("GET", "GET", "HEAD", "POST", "PUT"),
    })
    .map(({ scheme, host: name, port, path, method }) => ({
      kind: "url" as const,
      href: new URL(`${scheme}://${name}${port}/${path}`).href,
      method,
    })),
  fc.record({ kind: fc.constant("index" as const), name: fc.constant("i"), collection: fc.constant(true as const) }),
);
const question = fc
  .record({
    subject,
    tool,
    resource,
    purpose: fc.constantFrom(
      { stated: false },
      { text: "read-it", stated: true },
      { text: "read-it", stated: false },
      { text: "write notes", stated: true },
    ),
    now: fc.constantFrom("2025-12-31", "2026-01-01", "2026-06-01", "2026-06-01", "2027-01-01").map(Date.parse),
  })
  .map((one): Question => ({ ...one, effect: one.tool === "w.write" ? "write" : "read" }));
const questions = fc.array(question, { minLength: questionsPerPolicy, maxLength: questionsPerPolicy });

const toText = ({ groups, documents }: PolicySet): string =>
  [{ groups: { staff: groups.staff } }, ...documents, { groups: { pets: groups.pets } }]
    .map((one) => JSON.stringify(one))
    .join("\n---\n");

function compile(set: PolicySet): Policy {
  const text = toText(set);
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], places);
  if (!policy) throw new Error(JSON.stringify(faults));
  return policy;
}

function observe(verdict: Verdict): Expected {
  if (verdict.effect === "deny") return { effect: "deny", reason: verdict.reason };
  const { redact, maxBytes, rates, labels } = verdict.obligations;
  return {
    effect: "allow",
    scopes: verdict.scopes.map(({ id }) => id).sort(),
    redact,
    maxBytes,
    rates: rates.map(({ scope, perMinute, burst }) => `${scope} ${perMinute} ${burst}`).sort(),
    labels: labels.map((one) => JSON.stringify(one)).sort(),
  };
}

describe("decisions", () => {
  test("agree with the naive reading", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(policySet, questions, (set, asked) => {
        const policy = compile(set);
        for (const one of asked) {
          const expected = reference(set, one);
          expect(observe(policy.decide(one)), JSON.stringify(one)).toEqual(expected);
          const key = expected.reason ?? "allow";
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }),
      { numRuns: runs },
    );
    // Each way out was really taken.
    const ways =
      "allow unknown_subject no_scope no_allow denied purpose_required purpose_not_served expired write_not_named consent";
    if (runs >= 400) for (const way of ways.split(" ")) expect(seen.get(way) ?? 0, way).toBeGreaterThan(0);
    if (runs > 400) console.log(Object.fromEntries(seen));
  }, 3_600_000);

  test("are not changed by the order of documents, scopes, patterns or names", () => {
    /** Every list in another order, by keys drawn at random. */
    const shuffle = (value: unknown, keys: readonly number[]): unknown => {
      let at = 0;
      const turn = (one: unknown): unknown => {
        if (typeof one !== "object" || one === null) return one;
        if (!Array.isArray(one))
          return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, turn(inner)]));
        return one
          .map((inner) => ({ inner: turn(inner), key: keys[at++ % keys.length] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ inner }) => inner);
      };
      return turn(value);
    };
    const keys = fc.array(fc.nat(99), { minLength: 31, maxLength: 31 });
    fc.assert(
      fc.property(policySet, questions, keys, (set, asked, order) => {
        const [before, after] = [compile(set), compile(shuffle(set, order) as PolicySet)];
        for (const one of asked) {
          const [first, second] = [before.decide(one), after.decide(one)];
          expect(observe(first)).toEqual(observe(second));
          expect(first.scope?.id).toBe(second.scope?.id);
        }
      }),
      { numRuns: runs / 4 },
    );
  }, 3_600_000);

  test("never allow more when a deny is added", () => {
    fc.assert(
      fc.property(policySet, denying, subjectPattern, questions, (set, deny, who, asked) => {
        const further = JSON.parse(JSON.stringify({ subject: who, scopes: [deny] })) as PolicyDocument;
        const more = compile({ ...set, documents: [...set.documents, further] });
        const before = compile(set);
        for (const one of asked) if (before.decide(one).effect === "deny") expect(more.decide(one).effect).toBe("deny");
      }),
      { numRuns: runs / 4 },
    );
  }, 3_600_000);

  test("are opened by exactly the scope that a refusal proposes", () => {
    fc.assert(
      fc.property(policySet, questions, question, (set, asked, other) => {
        const policy = compile(set);
        for (const one of asked) {
          const verdict = policy.decide(one);
          if (verdict.effect === "allow" || verdict.proposal === null) continue;
          const text = `${toText(set)}\n${verdict.proposal.yaml}`;
          const opened = compilePolicy([{ path: "p.yaml", text }], places).policy;
          const stated = { ...one, purpose: { text: one.purpose.text ?? "why", stated: true } };
          expect(opened?.decide(stated).effect, verdict.proposal.yaml).toBe("allow");
          const elsewhere = { ...other, subject: one.subject, tool: one.tool, effect: one.effect, now: one.now };
          const covered = "collection" in one.resource && one.resource.collection;
          if (covered || JSON.stringify(other.resource) === JSON.stringify(one.resource)) continue;
          if ("collection" in other.resource && other.resource.collection) continue;
          const same = place(other.resource) === place(one.resource);
          if (!same) expect(opened?.decide(elsewhere).effect).toBe(policy.decide(elsewhere).effect);
        }
      }),
      { numRuns: runs / 4 },
    );
  }, 3_600_000);

  test("are told by explain as they were made", () => {
    fc.assert(
      fc.property(policySet, question, (set, one) => {
        const policy = compile(set);
        const { verdict, deciding, nearMisses } = policy.explain(one);
        expect(observe(verdict)).toEqual(observe(policy.decide(one)));
        expect(nearMisses.length).toBeLessThanOrEqual(5);
        if (verdict.effect === "allow")
          expect(deciding.map(({ scope }) => scope.id).sort()).toEqual(verdict.scopes.map(({ id }) => id).sort());
        else if (verdict.reason === "denied")
          expect(deciding.map(({ scope }) => scope.id)).toContain(verdict.scope?.id);
      }),
      { numRuns: runs },
    );
  }, 3_600_000);
});

const place = (one: Resource): string =>
  one.kind === "path"
    ? one.path
    : one.kind === "git"
      ? join(one.repository, one.path)
      : one.kind === "url"
        ? one.href
        : toUri(one);
