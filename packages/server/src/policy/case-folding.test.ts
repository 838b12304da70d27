import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldText } from "./case-folding.ts";
import { compilePolicy, type Policy } from "./compile.ts";
import { PatternError } from "./fault.ts";

const runs = Number(process.env.PORTCULLIS_POLICY_RUNS ?? 2_000);

interface Rules {
  readonly allow: readonly string[];
  readonly deny?: readonly string[];
}

function compile({ allow, deny = [] }: Rules, caseless: readonly string[]): Policy {
  const text = JSON.stringify({ subject: "me", scopes: [{ tool: "t", allow, ...(deny.length > 0 && { deny }) }] });
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], { home: "/h", served: [], caseless });
  if (!policy) throw new PatternError(JSON.stringify(faults));
  return policy;
}

const decide = (policy: Policy, path: string, collection = false): string => {
  const purpose = { text: "test", stated: true };
  const resource = { kind: "path", path, collection } as const;
  const verdict = policy.decide({ subject: "me", tool: "t", effect: "read", resource, purpose, now: 0 });
  return verdict.effect === "allow" ? "allow" : verdict.reason;
};

describe("where case does not count", () => {
  const policy = compile({ allow: ["/srv/Vault/**"], deny: ["**/.env*", "/srv/Vault/Private"] }, ["/srv/Vault"]);

  test.each([
    ["/srv/Vault/a", "allow"],
    ["/srv/Vault/.ENV.local", "denied"],
    ["/srv/Vault/private/x", "denied"],
    ["/srv/Vault/PRIVATE", "denied"],
    // Another folder, on a file system where case may count.
    ["/srv/vault/a", "no_allow"],
    ["/srv/VAULT/.env", "denied"],
    ["/srv/VAULT/.ENV", "no_allow"],
  ])("%s: %s", (path, expected) => {
    expect(decide(policy, path)).toBe(expected);
  });

  test("an allow of a folder beside it, whose name differs in case alone, opens nothing of it", () => {
    const beside = compile({ allow: ["/srv/vault/**", "/srv/*/open"] }, ["/srv/Vault"]);
    expect(decide(beside, "/srv/Vault/x")).toBe("no_allow");
    expect(decide(beside, "/srv/Vault/OPEN")).toBe("allow");
    expect(decide(beside, "/srv/vault/x")).toBe("allow");
    expect(decide(beside, "/srv/vault/OPEN")).toBe("allow");
    expect(decide(compile({ allow: ["/srv/*/open"] }, ["/srv/Vault"]), "/srv/other/OPEN")).toBe("no_allow");
  });

  test("letters beyond ASCII are folded one to one", () => {
    expect(["\u00c9", "\u03a3\u03c2\u03c3", "\u017f\u212a", "\u0130", "\u00df", "\u{10400}"].map(foldText)).toEqual([
      "\u00e9",
      "\u03c3\u03c3\u03c3",
      "sk",
      "\u0130",
      "\u00df",
      "\u{10428}",
    ]);
    const accents = compile({ allow: ["/**"], deny: ["/stra?e", "/\u00c9t\u00c9"] }, ["/"]);
    expect(["/stra\u00dfe", "/STRA\u00dfE", "/e\u0301te\u0301"].map((path) => decide(accents, path))).toEqual(
      Array(3).fill("denied"),
    );
  });

  test("explain tells the same", () => {
    const question = {
      subject: "me",
      tool: "t",
      effect: "read",
      resource: { kind: "path", path: "/srv/Vault/.ENV" },
      purpose: { text: "x", stated: true },
      now: 0,
    } as const;
    expect(policy.explain(question).deciding).toMatchObject([{ outcome: "denies", pattern: "**/.env*" }]);
  });
});

const part = fc.constantFrom("a", "A", "b", "aB", "\u00e9", "\u00c9", ".x");
const wild = fc.oneof(part, fc.constantFrom("*", "**", "a*", "?", "*B"));
const below = (from: fc.Arbitrary<string>) => fc.array(from, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const rules = fc.record({
  allow: fc.array(below(wild), { minLength: 1, maxLength: 3 }),
  deny: fc.array(
    fc.oneof(
      below(wild),
      below(wild).map((path) => `**${path === "/" ? "" : path}`),
    ),
    { maxLength: 2 },
  ),
});
const lower = (text: string): string => text.toLowerCase();

test("a whole machine without case decides as one where every name and pattern is in lower case", () => {
  fc.assert(
    fc.property(rules, below(part), fc.boolean(), ({ allow, deny }, path, collection) => {
      const small = compile({ allow: allow.map(lower), deny: deny.map(lower) }, []);
      expect(decide(compile({ allow, deny }, ["/"]), path, collection)).toBe(decide(small, lower(path), collection));
    }),
    { numRuns: runs },
  );
});

test("a caseless folder changes nothing outside of it, and within it takes no deny away", () => {
  fc.assert(
    fc.property(rules, below(part), below(part), fc.boolean(), (drawn, root, path, collection) => {
      const [plain, caseless] = [compile(drawn, []), compile(drawn, [root])];
      const [before, after] = [decide(plain, path, collection), decide(caseless, path, collection)];
      if (root !== "/" && path !== root && !path.startsWith(`${root}/`)) expect(after).toBe(before);
      if (before === "denied") expect(after).toBe("denied");
      if (before === "allow") expect(["allow", "denied"]).toContain(after);
    }),
    { numRuns: runs },
  );
});
