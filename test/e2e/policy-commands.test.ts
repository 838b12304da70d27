import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { asGuest } from "../support/guests.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type Ran, type World } from "../support/world.ts";

const policies = {
  "guest.yaml": `subject: guest
scopes:
  - { id: notes, tool: [fs.readFile, fs.list], allow: ["@notes/open/**"], deny: ["**/*.key"] }
  - { id: told, tool: fs.stat, allow: ["@notes/**"], consent: ask }
`,
};

let world: World;
let denied: string;

beforeAll(async () => {
  world = await openWorld({
    files: {
      "open/a.md": "a\n",
      "open/x.key": "k\n",
      "closed/b.md": "b\n",
      "closed/c.md": "c\n",
      "closed/id_rsa": "k\n",
    },
    policies,
    prepare: ({ data }) => {
      const git = (...args: string[]) =>
        execFileSync("git", ["-C", join(data, "policies"), ...args], { stdio: "pipe" });
      git("init", "--quiet");
      git("add", ".");
      git("-c", "user.name=t", "-c", "user.email=t@t.test", "commit", "--quiet", "-m", "first");
    },
  });
  await asGuest(world, { door: "http", subject: "guest" }, async (guest) => {
    const read = (path: string) => guest.call("fs.readFile", { path }, { purpose: "look" });
    expect(await read("open/a.md")).toMatchObject({ ok: true });
    expect(await guest.call("fs.list", { dir: "open" }, { purpose: "look" })).toMatchObject({ ok: true });
    expect(await read("open/x.key")).toMatchObject({ code: "PERMISSION_DENIED" });
    const refused = await read("closed/b.md");
    expect(refused).toMatchObject({ code: "PERMISSION_DENIED" });
    denied = refused.auditId;
    expect(await guest.call("fs.stat", { path: "open/a.md" }, { purpose: "look" })).toMatchObject({
      code: "CONSENT_REQUIRED",
    });
    const url = "https://example.test/a/b?c=1";
    expect(await guest.call("http.fetch", { url, method: "POST" }, { purpose: "look" })).toMatchObject({
      code: "PERMISSION_DENIED",
    });
  });
}, 60_000);
afterAll(() => world?.close());
beforeEach(() => {
  for (const [name, text] of Object.entries(policies)) world.policy(name, text);
  rmSync(join(world.data, "policies", "tests"), { recursive: true, force: true });
});

const policy = (...args: readonly string[]): Promise<Ran> => world.run("policy", ...args);
const json = (ran: Ran) => JSON.parse(ran.stdout);
const uri = (path: string): string => `file://${world.folder}/${path}`;

describe("policy test", () => {
  const put = (name: string, text: string): void => {
    mkdirSync(join(world.data, "policies", "tests"), { recursive: true });
    writeFileSync(join(world.data, "policies", "tests", name), text);
  };
  const good = `subject: guest
cases:
  - { name: the open folder, tool: [fs.readFile, fs.list], resource: ["@notes/open/a.md", "@notes/open/"], expect: allow, scope: notes }
  - { name: keys, tool: fs.readFile, resource: "@notes/open/x.key", expect: deny, reason: denied }
  - { name: asking, tool: fs.stat, resource: "@notes/open/a.md", expect: ask }
  - { name: no purpose, tool: fs.readFile, resource: "@notes/open/a.md", purpose: "", expect: deny, reason: purpose_required }
`;

  test("holds cases in policies/tests against the policies, which they are no part of", async () => {
    put("guest.yaml", good);
    put("owner.yaml", "subject: owner\ntool: fs.readFile\ncases: [{ resource: '@notes/open/a.md', expect: allow }]\n");
    const ran = await policy("test");
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining("Good: 8 cases in 2 files hold.") });
    expect((await policy("check", "--json")).status).toBe(0);
    expect(json(await policy("test", "--json"))).toMatchObject({ ok: true, files: 2, cases: 8, misses: [] });
  });

  test("tells what came out otherwise, as a diff does, and ends with 1", async () => {
    put("guest.yaml", good);
    world.policy("guest.yaml", policies["guest.yaml"].replace(', deny: ["**/*.key"]', ""));
    const ran = await policy("test");
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(
      /guest\.yaml:4: keys\n +guest fs\.readFile @notes\/open\/x\.key\n +- deny \(denied\)\n +\+ allow by notes\n1 case of 7/,
    );
    expect((await policy("test", "--policy", "HEAD")).status).toBe(0);
  });

  test("proves nothing by cases that have a fault", async () => {
    put("guest.yaml", "cases:\n  - { subject: guest, tool: fs.readFle, resource: x, expect: alow }\n");
    const ran = await policy("test");
    expect(ran).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/:2:\d+: Here belongs one of allow.*\n1 fault/),
    });
    put("guest.yaml", "cases:\n  - { subject: guest, tool: fs.readFle, resource: x, expect: allow }\n");
    expect((await policy("test")).stdout).toMatch(
      /no tool named fs.readFle. Did you mean fs.readFile.*\n.*begins nowhere/,
    );
    rmSync(join(world.data, "policies", "tests"), { recursive: true });
    expect((await policy("test")).status).toBe(66);
  });

  test("needs no served folder where the cases name their own", async () => {
    put("p.yaml", "subject: a\nscopes: [{ tool: fetch, allow: ['@v/x', '~/y'] }]\n");
    put(
      "t.yaml",
      "home: /h\nserved: { v: /srv/v }\nsubject: a\ntool: fetch\ncases: [{ resource: ['@v/x', /srv/v/x, /h/y], expect: allow }, { resource: ~/x, expect: deny }]\n",
    );
    const tests = join(world.data, "policies", "tests");
    expect(await policy("test", join(tests, "t.yaml"), "--policy", join(tests, "p.yaml"))).toMatchObject({ status: 0 });
  });
});

describe("policy diff", () => {
  // It shows what a change opens first, by rule and by example, and then what it closes.
  verifiesOnce("P4.commands", async () => {
    world.policy(
      "guest.yaml",
      'subject: guest\nscopes:\n  - { tool: [fs.readFile], allow: ["@notes/**"] }\n  - { id: told, tool: fs.stat, allow: ["@notes/**"] }\n',
    );
    const ran = await policy("diff", "HEAD");
    expect(ran.status).toBe(1);
    const [first = ""] = ran.stdout.split("\n");
    expect(first).toMatch(/^!! WIDER/);
    expect(ran.stdout.indexOf("Narrower")).toBeGreaterThan(ran.stdout.indexOf("WIDER"));
    const { wider, narrower, rules } = json(await policy("diff", "HEAD", "--json"));
    expect(rules.wider).toContainEqual(
      expect.objectContaining({
        effect: "allow",
        subjects: ["guest"],
        tools: ["fs.readFile"],
        patterns: ["@notes/**"],
      }),
    );
    expect(rules.wider).toContainEqual(
      expect.objectContaining({ effect: "deny", tools: ["fs.readFile"], patterns: ["**/*.key"] }),
    );
    // What somebody asked for comes first, then what sounds like a secret.
    const reads = wider.examples.filter(({ tools }: { tools: string[] }) => tools.includes("fs.readFile"));
    expect(
      reads
        .slice(0, 2)
        .map(({ resource }: { resource: string }) => resource)
        .sort(),
    ).toEqual([uri("closed/b.md"), uri("open/x.key")].sort());
    expect(reads[2]).toMatchObject({ resource: uri("closed/id_rsa"), from: "deny", to: "allow", asked: 0 });
    expect(wider.examples).toContainEqual(
      expect.objectContaining({ resource: uri("open/a.md"), tools: ["fs.stat"], from: "ask", to: "allow", asked: 1 }),
    );
    expect(narrower.examples).toContainEqual(
      expect.objectContaining({ resource: uri("open"), tools: ["fs.list"], from: "allow", to: "deny", asked: 1 }),
    );
  });

  test("finds no difference where rules only stand elsewhere", async () => {
    world.policy(
      "guest.yaml",
      'groups: { g: [guest] }\n---\nsubject: group:g\nscopes:\n  - { tool: fs.stat, consent: ask, allow: ["@notes/**"] }\n  - { tool: [fs.list, fs.readFile], deny: ["**/*.key"], allow: ["@notes/open/**"] }\n',
    );
    expect(await policy("diff", "HEAD")).toMatchObject({ status: 0, stdout: "The policies say the same.\n" });
    const old = join(world.data, "policies");
    expect((await policy("diff", `HEAD:`, old)).status).toBe(0);
  });

  test("ends with 64 without an old one, 66 for none that there is, 65 for one with faults", async () => {
    expect((await policy("diff")).status).toBe(64);
    expect(await policy("diff", "no-such-revision")).toMatchObject({ status: 66 });
    expect((await policy("diff", "--", "--output=/tmp/x")).status).toBe(66);
    const bad = join(world.base, "bad.yaml");
    writeFileSync(bad, "subject: x\n");
    expect(await policy("diff", bad)).toMatchObject({ status: 65, stderr: expect.stringContaining("bad.yaml:1:1") });
  });
});

describe("policy replay", () => {
  test("decides the audit's calls as they were decided, folders, methods and consent too", async () => {
    const ran = await policy("replay", "--json");
    expect(json(ran)).toMatchObject({ calls: 6, same: 6, unreadable: 0, cut: false });
    expect(ran.status).toBe(0);
  });

  test("shows which of them another policy would decide otherwise", async () => {
    world.policy("guest.yaml", 'subject: guest\nscopes: [{ tool: "*", allow: ["@notes/closed/**"] }]\n');
    const report = json(await policy("replay", "--json"));
    expect(report).toMatchObject({ calls: 6, same: 2, wider: { count: 1 }, narrower: { count: 3 } });
    expect(report.wider.examples).toMatchObject([{ resource: uri("closed/b.md"), from: "deny", to: "allow" }]);
    expect((await policy("replay")).status).toBe(1);
    expect(await policy("replay", "--policy", "HEAD")).toMatchObject({ status: 0 });
    expect(json(await policy("replay", "--since", "2999-01-01", "--json"))).toMatchObject({ calls: 0 });
    expect((await policy("replay", "--since", "lately")).status).toBe(64);
  });
});

describe("policy suggest", () => {
  test("gives the smallest scopes for what was refused, and says what their folders would open besides", async () => {
    const ran = await policy("suggest", "--json");
    expect(ran.status).toBe(0);
    const { suggestions, closed, calls } = json(ran);
    expect(calls).toBe(4);
    expect(suggestions).toHaveLength(2);
    const [file, page] = suggestions;
    expect(file).toMatchObject({
      subject: "guest",
      exact: {
        scope: { tool: ["fs.readFile"], allow: [`${world.folder}/closed/b.md`] },
        opens: { count: 0, all: true },
      },
      folder: {
        scope: { allow: [`${world.folder}/closed/**`] },
        opens: { count: 2, examples: [uri("closed/id_rsa"), uri("closed/c.md")], all: true },
      },
    });
    expect(page).toMatchObject({
      exact: { scope: { allow: ["https://example.test/a/b?c=1"], methods: ["POST"] }, opens: { all: true } },
      folder: { scope: { allow: ["https://example.test/a/**"] }, opens: { all: false } },
    });
    expect(closed.map(({ reason }: { reason: string }) => reason).sort()).toEqual(["consent", "denied"]);
  });

  test("prints lines that can be pasted, and that open exactly this", async () => {
    const { stdout } = await policy("suggest", "--request", denied);
    const file = join(world.base, "pasted.yaml");
    writeFileSync(file, `${policies["guest.yaml"]}${stdout}`);
    const { wider, narrower, rules } = json(
      await policy("diff", join(world.data, "policies", "guest.yaml"), file, "--json"),
    );
    expect(wider).toMatchObject({ count: 1, examples: [{ resource: uri("closed/b.md"), tools: ["fs.readFile"] }] });
    expect(narrower.count + rules.narrower.length).toBe(0);
    expect((await policy("suggest", "--request", "01ARZ3NDEKTSV4RRFFQ69G5FAV")).status).toBe(66);
  });

  test("writes only where it is told to, and nothing that would be a fault", async () => {
    const file = join(world.data, "policies", "guest.yaml");
    await policy("suggest");
    expect(readFileSync(file, "utf8")).toBe(policies["guest.yaml"]);
    expect((await policy("suggest", "--request", denied, "--write", file)).status).toBe(0);
    expect(readFileSync(file, "utf8").startsWith(policies["guest.yaml"])).toBe(true);
    expect((await policy("replay", "--json")).stdout).toContain('"wider":{"count":1');
    expect(json(await policy("suggest", "--request", denied, "--json"))).toMatchObject({ allowed: 1, suggestions: [] });

    world.policy("guest.yaml", policies["guest.yaml"]);
    const broken = join(world.base, "broken.yaml");
    writeFileSync(broken, "subject: [\n");
    expect(await policy("suggest", "--request", denied, "--write", broken)).toMatchObject({ status: 65 });
    expect(readFileSync(broken, "utf8")).toBe("subject: [\n");
    expect(await policy("suggest", "--request", denied, "--write", "/proc/nowhere/x.yaml")).toMatchObject({
      status: 73,
    });
    expect(existsSync("/proc/nowhere")).toBe(false);
  });

  test("covers with --used what was allowed, from nothing", async () => {
    const { suggestions } = json(await policy("suggest", "--used", "--json"));
    expect(
      suggestions.map(({ exact }: { exact: { scope: { tool: string[]; allow: string[] } } }) => exact.scope),
    ).toEqual([
      { tool: ["fs.readFile"], allow: [`${world.folder}/open/a.md`] },
      { tool: ["fs.list"], allow: [`${world.folder}/open/**`] },
    ]);
  });
});

test("policy schema prints the schema that docs/policy.schema.json holds", async () => {
  const { stdout } = await policy("schema");
  expect(JSON.parse(stdout)).toEqual(
    JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "docs", "policy.schema.json"), "utf8")),
  );
});
