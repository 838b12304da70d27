import type { Resource } from "@portcullis/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePolicy, type Policy } from "./compile.ts";
import type { PolicyDocument, Scope } from "./document.ts";
import type { Question, Verdict } from "./verdict.ts";

/** Policies tried with twenty questions each; raise it for a long run: PORTCULLIS_POLICY_RUNS=50000. */
const runs = Number(process.env.PORTCULLIS_POLICY_RUNS ?? 400);
const questionsPerPolicy = 20;

const places = {
  home: "/h/me",
  served: [
    { name: "v", path: "/s/v" },
    { name: "w", path: "/s/w/x" },
  ],
};
const groups = { staff: ["cat@home", "bee*"] };
const now = Date.parse("2026-06-01");

/* ---- A second, naive reading of the semantics, written for clarity alone. ---- */

const toRegExp = (segment: string): RegExp =>
  new RegExp(
    `^${segment
      .replace(/[.+^$()|]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".")}$`,
    "su",
  );

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === "**") return fits(rest, path) || (path.length > 0 && fits(pattern, path.slice(1)));
  const [name, ...below] = path;
  return name !== undefined && toRegExp(first).test(name) && fits(rest, below);
}

/** Whether a pattern fits the path or could fit something below it. */
function reaches(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [name, ...below] = path;
  if (name === undefined || first === "**") return true;
  return first !== undefined && toRegExp(first).test(name) && reaches(rest, below);
}

const split = (path: string): string[] => path.split("/").filter((part) => part !== "");

function expand(pattern: string): string[][] {
  const [head = "", ...rest] = pattern.split("/");
  if (head === "**") return [[head, ...rest]];
  const roots: Record<string, string[]> = {
    "": [""],
    "~": [places.home],
    "@served": places.served.map(({ path }) => path),
    "@v": ["/s/v"],
    "@w": ["/s/w/x"],
  };
  return (roots[head] ?? []).map((root) => [...split(root), ...rest.filter((part) => part !== "")]);
}

const hasWildcard = (segment: string | undefined): boolean => segment !== undefined && /[*?]/.test(segment);

function urlFits(pattern: string, href: string, effect: "allow" | "deny"): boolean {
  const [, scheme, host = "", port, path = ""] = /^(\w+):\/\/([^/:]+)(?::(\d+|\*))?(\/.*)?$/.exec(pattern) ?? [];
  const url = new URL(href);
  if (`${scheme}:` !== url.protocol) return false;
  const actual = url.port || (url.protocol === "https:" ? "443" : "80");
  if (port !== "*" && (port ?? (scheme === "https" ? "443" : "80")) !== actual) return false;
  const suffix = host.startsWith("*.") ? host.slice(1) : undefined;
  if (host !== "*" && (suffix ? !url.hostname.endsWith(suffix) : url.hostname !== host)) return false;
  const wanted = split(path);
  const closed = effect === "deny" && !hasWildcard(wanted.at(-1)) ? [...wanted, "**"] : wanted;
  return fits(closed, split(decodeURIComponent(url.pathname)));
}

function patternFits(pattern: string, resource: Resource, effect: "allow" | "deny"): boolean {
  if (effect === "deny" && pattern === "**") return true;
  const isUrl = pattern.includes("://");
  if (resource.kind === "url") return isUrl && urlFits(pattern, resource.href, effect);
  if (resource.kind === "index" && effect === "allow") return isUrl || expand(pattern).length > 0;
  if (isUrl) return false;
  const path =
    resource.kind === "index"
      ? []
      : split(resource.kind === "git" ? `${resource.repository}/${resource.path}` : resource.path);
  return expand(pattern).some((glob) => {
    if (effect === "deny") return fits(hasWildcard(glob.at(-1)) ? glob : [...glob, "**"], path);
    return "collection" in resource && resource.collection ? reaches(glob, path) : fits(glob, path);
  });
}

function nameFits(pattern: string, name: string, separator: string): boolean {
  const parts = pattern.split(separator);
  if (parts.at(-1) === "*") parts.push("**");
  return fits(parts, name.split(separator));
}

const list = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : ([value].flat() as T[]));

function subjectFits({ subject }: PolicyDocument, name: string): boolean {
  const patterns = list(subject).flatMap((one) => (one === "group:staff" ? groups.staff : [one]));
  return patterns.some((pattern) => nameFits(pattern, name, "@"));
}

function failing(
  scope: Scope,
  document: PolicyDocument,
  { resource, effect, purpose, tool }: Question,
): string | undefined {
  if (expired(scope, document)) return "expired";
  const method = resource.kind === "url" ? resource.method : "GET";
  const gets = ["GET", "HEAD"].includes(method);
  if (!gets && !list(scope.methods).includes(method as "POST")) return "method_not_named";
  const acts = !gets || effect !== "read";
  if (acts && !list(scope.tool).includes(tool)) return "write_not_named";
  const needs = document.purpose ?? "required";
  if (!purpose.text && (acts || needs !== "optional" || scope.purposes)) return "purpose_required";
  if (purpose.text && needs === "stated" && !purpose.stated) return "purpose_required";
  if (purpose.text && scope.purposes && !scope.purposes.some((glob) => toRegExp(glob).test(purpose.text ?? "")))
    return "purpose_not_served";
  return undefined;
}

const expired = (scope: Scope, document: PolicyDocument): boolean =>
  [scope.expires, document.expires].some((text) => text !== undefined && Date.parse(text) <= now);

interface Expected {
  readonly effect: "allow" | "deny";
  readonly reason?: string;
  readonly scopes?: readonly string[];
  readonly redact?: readonly string[];
  readonly maxBytes?: number | undefined;
  readonly rates?: readonly string[];
}

function reference(documents: readonly PolicyDocument[], question: Question): Expected {
  const mine = documents.filter((document) => subjectFits(document, question.subject));
  if (mine.length === 0) return { effect: "deny", reason: "unknown_subject" };
  const scopes = mine.flatMap((document) => list(document.scopes).map((scope) => ({ scope, document })));
  const ofTool = scopes.filter(({ scope }) => list(scope.tool).some((tool) => nameFits(tool, question.tool, ".")));
  const touches = (patterns: string[] | undefined, effect: "allow" | "deny"): boolean =>
    list(patterns).some((pattern) => patternFits(pattern, question.resource, effect));
  if (ofTool.some(({ scope, document }) => !expired(scope, document) && touches(scope.deny, "deny")))
    return { effect: "deny", reason: "denied" };
  const allowing = ofTool.filter(({ scope }) => scope.allow);
  if (allowing.length === 0) return { effect: "deny", reason: "no_scope" };
  const near = allowing.filter(({ scope }) => touches(scope.allow, "allow"));
  const judged = near.map(({ scope, document }) => ({ scope, reason: failing(scope, document, question) }));
  const holding = judged.filter(({ reason }) => reason === undefined).map(({ scope }) => scope);
  if (holding.some(({ consent }) => consent)) return { effect: "deny", reason: "consent" };
  if (holding.length === 0) {
    const order = ["purpose_required", "purpose_not_served", "method_not_named", "write_not_named", "expired"];
    const reason = order.find((candidate) => judged.some((one) => one.reason === candidate)) ?? "no_allow";
    return { effect: "deny", reason };
  }
  const sizes = holding.flatMap(({ maxBytes }) => maxBytes ?? []);
  return {
    effect: "allow",
    scopes: holding.map(({ id }) => id ?? "").sort(),
    redact: [...new Set(holding.flatMap(({ redact }) => redact?.patterns ?? []))].sort(),
    maxBytes: sizes.length > 0 ? Math.min(...sizes) : undefined,
    rates: holding.flatMap(({ id, rate }) => (rate ? [`${id} ${rate.perMinute} ${rate.burst}`] : [])).sort(),
  };
}

/* ---- Random policies and questions over few names, so that they meet often. ---- */

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
const subjectPattern = fc.oneof(subject, fc.constantFrom("*", "*", "*", "*@home", "duck@*", "group:staff"));
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
  consent: maybe(fc.constant("ask" as const), 12),
});
const denying = fc.record({ tool: toolPattern, deny: texts(fc.oneof(denyPath, urlPattern)), expires: maybe(date) });
const document = fc.record({
  subject: fc.oneof(subjectPattern, texts(subjectPattern)),
  purpose: maybe(fc.constantFrom("required", "stated", "optional")),
  expires: maybe(date),
  scopes: fc.array(fc.oneof({ arbitrary: allowing, weight: 6 }, denying), { minLength: 1, maxLength: 4 }),
});
const policySet = fc.array(document, { minLength: 1, maxLength: 4 }).map((documents) => {
  let count = 0;
  const named = documents.map((one) => ({
    ...one,
    scopes: one.scopes.map((scope) => ({ ...scope, id: `s${count++}` })),
  }));
  return JSON.parse(JSON.stringify(named)) as PolicyDocument[];
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
  })
  .map((one): Question => ({ ...one, effect: one.tool === "w.write" ? "write" : "read", now }));
const questions = fc.array(question, { minLength: questionsPerPolicy, maxLength: questionsPerPolicy });

function compile(documents: readonly PolicyDocument[]): Policy {
  const text = [{ groups }, ...documents].map((one) => JSON.stringify(one)).join("\n---\n");
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], places);
  if (!policy) throw new Error(JSON.stringify(faults));
  return policy;
}

function observe(verdict: Verdict): Expected {
  if (verdict.effect === "deny") return { effect: "deny", reason: verdict.reason };
  const { redact, maxBytes, rates } = verdict.obligations;
  return {
    effect: "allow",
    scopes: verdict.scopes.map(({ id }) => id).sort(),
    redact,
    maxBytes,
    rates: rates.map(({ scope, perMinute, burst }) => `${scope} ${perMinute} ${burst}`).sort(),
  };
}

describe("decisions", () => {
  test("agree with the naive reading", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(policySet, questions, (documents, asked) => {
        const policy = compile(documents);
        for (const one of asked) {
          const expected = reference(documents, one);
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
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned).reverse();
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, turned(inner)]));
    };
    fc.assert(
      fc.property(policySet, questions, (documents, asked) => {
        const [before, after] = [compile(documents), compile(turned(documents) as PolicyDocument[])];
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
      fc.property(policySet, denying, subjectPattern, questions, (documents, deny, who, asked) => {
        const more = compile([
          ...documents,
          JSON.parse(JSON.stringify({ subject: who, scopes: [deny] })) as PolicyDocument,
        ]);
        const before = compile(documents);
        for (const one of asked) if (before.decide(one).effect === "deny") expect(more.decide(one).effect).toBe("deny");
      }),
      { numRuns: runs / 4 },
    );
  }, 3_600_000);

  test("are opened by exactly the scope that a refusal proposes", () => {
    fc.assert(
      fc.property(policySet, questions, question, (documents, asked, other) => {
        const policy = compile(documents);
        for (const one of asked) {
          const verdict = policy.decide(one);
          if (verdict.effect === "allow" || verdict.proposal === null) continue;
          const text = [{ groups }, ...documents].map((each) => JSON.stringify(each)).join("\n---\n");
          const opened = compilePolicy([{ path: "p.yaml", text: `${text}\n${verdict.proposal.yaml}` }], places).policy;
          const stated = { ...one, purpose: { text: one.purpose.text ?? "why", stated: true } };
          expect(opened?.decide(stated).effect, verdict.proposal.yaml).toBe("allow");
          const elsewhere = { ...other, subject: one.subject, tool: one.tool, effect: one.effect };
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
      fc.property(policySet, question, (documents, one) => {
        const policy = compile(documents);
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
        : one.name;
