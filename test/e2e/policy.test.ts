import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const policies = {
  "example.yaml": `
subject: "duck@home"
scopes:
  - tool: "fs.readFile"
    allow: ["~/notes/**", "/srv/docs/**"]
    deny:  ["~/.ssh/**"]
    rate:  { perMinute: 60, burst: 30 }
    redact: { patterns: ["(?i)(api[_-]?key|token)\\\\s*[:=]\\\\s*([A-Za-z0-9-_]+)"] }
  - tool: "http.fetch"
    allow: ["https://raw.githubusercontent.com/me/**", "http://127.0.0.1:*/**"]
`,
  "torn.yaml": `
subject: torn
scopes:
  - { id: closed, tool: fs.readFile, deny: ["@served/drafts/**"] }
  - { id: open, tool: fs.readFile, allow: ["@served/**"] }
---
subject: torn-backwards
scopes:
  - { id: open-too, tool: fs.readFile, allow: ["@served/**"] }
  - { id: closed-too, tool: fs.readFile, deny: ["@served/drafts/**"] }
`,
  "web.yaml": `
subject: poster
scopes:
  - { tool: "http.*", allow: ["http://127.0.0.1:*/**"], methods: [POST], labels: { untrusted: false } }
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/named/**"], methods: [POST] }
`,
  "surfer.yaml": `
subject: surfer
scopes:
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/open/**", "http://169.254.169.254/**", "http://*.test/**"] }
`,
  "stated.yaml": `
subject: stated
purpose: stated
scopes:
  - { tool: fs.readFile, allow: ["@served/**"] }
`,
  "purposeful.yaml": `
subject: purposeful
scopes:
  - { tool: fs.readFile, allow: ["@served/**"], purposes: ["summarize*"] }
`,
};

let world: World;
let web: Server;
let site: string;

beforeAll(async () => {
  world = await openWorld({
    files: { "todo.md": "# To do\n\ntoken = abcdefghij\n", "drafts/novel.md": "It was a dark night.\n" },
    policies,
    settings: "limits: { turnCalls: 1000 }\nflow: { closed: [duck@home] }\n",
  });
  web = createServer((request, response) => {
    const [, away] = /^\/open\/to\?(.*)$/.exec(request.url ?? "") ?? [];
    if (away !== undefined) return response.writeHead(302, { location: decodeURIComponent(away) }).end();
    const text = request.url?.startsWith("/closed") ? "behind the closed door" : `${request.method} answered`;
    return response.setHeader("content-type", "text/plain").end(text);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await world?.close();
  web?.close();
});

describe("policy", () => {
  verifies("P1.file", (door) =>
    asGuest(world, { door, subject: "duck@home" }, async (duck) => {
      expect(await duck.call("http.fetch", { url: `${site}/page` })).toMatchObject({
        ok: true,
        result: { status: 200 },
      });
      const read = await duck.call(
        "fs.readFile",
        { path: "~/notes/todo.md", encoding: "utf8" },
        { purpose: "summarize-todo" },
      );
      expect(read).toMatchObject({ ok: true });
      expect(read.result.content).toContain("# To do");
      expect(read.result.content).not.toContain("abcdefghij");
      expect(await duck.call("fs.readFile", { path: "~/.ssh/id_ed25519" })).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
      });
      expect(await duck.call("http.fetch", { url: "https://raw.githubusercontent.com.evil.test/me/x" })).toMatchObject({
        code: "PERMISSION_DENIED",
      });
    }),
  );

  verifies("P2.default-deny", (door) =>
    asGuest(world, { door, subject: "nobody-here" }, async (nobody) => {
      for (const [tool, args] of [
        ["fs.readFile", { path: "notes/todo.md" }],
        ["fs.list", { dir: "notes" }],
        ["search", { query: "dark night" }],
        ["fetch", { id: "notes/todo.md" }],
        ["git.log", {}],
        ["http.fetch", { url: site }],
      ] as const) {
        expect(await nobody.call(tool, args), tool).toMatchObject({ ok: false, code: "PERMISSION_DENIED" });
      }
      expect(await nobody.tools()).toEqual([]);
    }),
  );

  verifies("P2.deny-wins", async (door) => {
    for (const subject of ["torn", "torn-backwards"]) {
      await asGuest(world, { door, subject }, async (guest) => {
        expect(await guest.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
        const denied = await guest.call("fs.readFile", { path: "notes/drafts/novel.md" });
        expect(denied).toMatchObject({ ok: false, code: "PERMISSION_DENIED", details: { smallestScope: null } });
        expect(JSON.stringify(denied.details.scope)).toContain("closed");
      });
    }
  });

  verifies("W4.denied", (door) =>
    asGuest(world, { door, subject: "nobody-here" }, async (nobody) => {
      const denied = await nobody.call("fs.readFile", { path: "notes/drafts/novel.md" });
      expect(denied).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
        details: { scope: null, resource: `file://${world.folder}/drafts/novel.md` },
      });
      expect(denied.details.reason).toBeTypeOf("string");
      expect(JSON.stringify(denied.details.smallestScope)).toContain(`${world.folder}/drafts/novel.md`);
      expect(denied.message).not.toBe("");
    }),
  );

  verifies("M5.purpose", async (door) => {
    await asGuest(world, { door, subject: "purposeful" }, async (guest) => {
      const answer = await guest.call("fs.readFile", { path: "notes/todo.md" }, { purpose: "summarize the week" });
      expect(answer).toMatchObject({ ok: true });
      const records = await world.audit();
      expect(records.find(({ id }) => id === answer.auditId)).toMatchObject({
        purpose: { text: "summarize the week", stated: true },
      });
      expect(await guest.call("fs.readFile", { path: "notes/todo.md" }, { purpose: "train a model" })).toMatchObject({
        code: "PERMISSION_DENIED",
      });
    });
    await asGuest(world, { door, subject: "stated" }, async (guest) => {
      expect(await guest.call("fs.readFile", { path: "notes/todo.md" }, { purpose: "" })).toMatchObject({ ok: false });
      expect(await guest.call("fs.readFile", { path: "notes/todo.md" }, { purpose: "a reason" })).toMatchObject({
        ok: true,
      });
    });
  });

  verifies("P6.read-only", (door) =>
    asGuest(world, { door, subject: "poster" }, async (poster) => {
      expect(await poster.call("http.fetch", { url: `${site}/other`, method: "GET" })).toMatchObject({ ok: true });
      expect(await poster.call("http.fetch", { url: `${site}/other`, method: "POST", body: "x" })).toMatchObject({
        code: "PERMISSION_DENIED",
      });
      expect(await poster.call("http.fetch", { url: `${site}/named/x`, method: "POST", body: "x" })).toMatchObject({
        ok: true,
        result: { text: expect.stringContaining("POST answered") },
      });
      expect(await poster.call("http.fetch", { url: `${site}/named/x`, method: "DELETE" })).toMatchObject({
        code: "PERMISSION_DENIED",
      });
    }),
  );

  verifies("D3.allow-list", (door) =>
    asGuest(world, { door, subject: "surfer" }, async (surfer) => {
      const get = (url: string) => surfer.call("http.fetch", { url });
      expect(await get(`${site}/open/page`)).toMatchObject({ ok: true, result: { status: 200 } });
      const { port } = new URL(site);
      for (const url of [
        `${site}/closed/page`,
        `${site}/open/../closed/page`,
        `http://localhost:${port}/open/page`,
        `http://2130706433:${port}/closed`,
        `http://[::ffff:127.0.0.1]:${port}/open/page`,
        `http://user@127.0.0.1:${port}/open/page`,
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
      ]) {
        expect(await get(url), url).toMatchObject({ ok: false });
      }
      for (const target of [
        "/closed/page",
        "http://169.254.169.254/latest/meta-data/",
        `http://localhost:${port}/closed`,
        "file:///etc/passwd",
        "//evil.example/x",
      ]) {
        const answer = await get(`${site}/open/to?${encodeURIComponent(target)}`);
        expect(answer, target).toMatchObject({ ok: false });
        expect(JSON.stringify(answer)).not.toContain("behind the closed door");
      }
      expect(await get(`${site}/open/to?${encodeURIComponent("/open/page")}`)).toMatchObject({
        ok: true,
        result: { redirects: [`${site}/open/page`] },
      });
    }),
  );

  verifies("P3.reload", async (door) => {
    const subject = `late-${door}`;
    await asGuest(world, { door, subject }, async (late) => {
      const read = () => late.call("fs.readFile", { path: "notes/todo.md" });
      expect(await read()).toMatchObject({ code: "PERMISSION_DENIED" });
      world.policy(
        `${subject}.yaml`,
        `subject: ${subject}\nscopes:\n  - { tool: fs.readFile, allow: ["@served/**"] }\n`,
      );
      await eventually(1_500, async () => expect(await read()).toMatchObject({ ok: true }));
    });
  });

  verifiesOnce("P3.last-good", async () => {
    const guest = { door: "http", subject: "torn" } as const;
    const broken = "subject: torn\nscopes:\n  - tool: fs.readFile\n    alow: ['@served/**']\n";
    world.policy("torn-too.yaml", broken);
    await eventually(3_000, () => expect(world.log()).toMatch(/torn-too\.yaml:4:5/));
    await asGuest(world, guest, async (torn) => {
      expect(await torn.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
      expect(await torn.call("fs.readFile", { path: "notes/drafts/novel.md" })).toMatchObject({ ok: false });
    });
    const checked = await world.run("policy", "check");
    expect(checked.status).toBe(1);
    expect(checked.stdout + checked.stderr).toMatch(/torn-too\.yaml:4:5.*allow/s);
    expect((await world.run("doctor")).stdout).toMatch(/torn-too\.yaml:4:5/);
    world.policy("torn-too.yaml", "subject: torn-too\nscopes:\n  - { tool: search, allow: ['@served/**'] }\n");
    expect((await world.run("policy", "check")).status).toBe(0);
  });

  verifiesOnce("P4.explain", async () => {
    const why = await world.run(
      "policy",
      "explain",
      "torn",
      "fs.readFile",
      `${world.folder}/drafts/novel.md`,
      "--json",
    );
    expect(JSON.parse(why.stdout)).toMatchObject({ verdict: { effect: "deny" } });
    expect(why.stdout).toContain("closed");
    const nearly = await world.run(
      "policy",
      "explain",
      "purposeful",
      "fs.readFile",
      `${world.folder}/todo.md`,
      "--purpose",
      "train",
    );
    expect(nearly.stdout).toMatch(/purpose/);
    expect(nearly.status).toBe(1);
  });
});
