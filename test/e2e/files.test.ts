import { execFileSync, spawn } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
const outside = "the one thing that must stay outside";

beforeAll(async () => {
  world = await openWorld({
    files: {
      "todo.md": "# To do\n\nWater the plants.\n",
      "big.txt": "0123456789abcdef".repeat(8_192),
      "closed/diary.md": "Nobody reads this.\n",
      "open/list.md": "one\n",
    },
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: ["fs.*", git.log], allow: ["@served/**"], deny: ["@served/closed/**"] }
---
subject: writer
scopes:
  - { tool: fs.writeFile, allow: ["@served/drafts/**", "@served/*"], deny: ["@served/closed/**"] }
  - { tool: [fs.readFile, search], allow: ["@served/**"] }
---
subject: wildcard
scopes:
  - { tool: "fs.*", allow: ["@served/**"] }
---
subject: frugal
scopes:
  - { tool: fs.readFile, allow: ["@served/**"], maxBytes: 4096 }
`,
    },
    prepare({ folder, base }) {
      const git = (...args: string[]) =>
        execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.test", ...args], {
          cwd: folder,
          stdio: "ignore",
        });
      git("init", "-q", "-b", "main");
      git("add", "todo.md", "open");
      git("commit", "-qm", "Begin the list");
      git("add", "closed");
      git("commit", "-qm", "Only the diary");
      git("add", "big.txt");
      git("commit", "-qm", "Add numbers");
      mkdirSync(join(folder, "drafts"));
      writeFileSync(join(base, "secret.txt"), outside);
      symlinkSync(join(base, "secret.txt"), join(folder, "link.txt"));
      symlinkSync(base, join(folder, "up"));
      linkSync(join(base, "secret.txt"), join(folder, "hard.txt"));
      symlinkSync(join(folder, "closed"), join(folder, "inner"));
      execFileSync("mkfifo", [join(folder, "pipe")]);
    },
  });
});
afterAll(() => world?.close());

describe("files", () => {
  verifies("D1.read", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      expect(await reader.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({
        ok: true,
        result: { content: "# To do\n\nWater the plants.\n" },
      });
      const bytes = await reader.call("fs.readFile", {
        path: `${world.folder}/todo.md`,
        encoding: "base64",
        range: { start: 2, end: 7 },
      });
      expect(Buffer.from(bytes.result.content, "base64").toString()).toBe("To do");
      expect(await reader.call("fs.stat", { path: "notes/todo.md" })).toMatchObject({ ok: true, result: { size: 27 } });
      const list = JSON.stringify((await reader.call("fs.list", { dir: "notes", depth: 3 })).result);
      expect(list).toContain("list.md");
      expect(list).not.toMatch(/closed|diary/);
      expect(await reader.call("fs.readFile", { path: "notes/closed/diary.md" })).toMatchObject({
        code: "PERMISSION_DENIED",
      });
      expect(await reader.call("fs.readFile", { path: "notes/nothing.md" })).toMatchObject({ code: "NOT_FOUND" });
    }),
  );

  verifies("D1.escape", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const tries = [
        ...[
          "../secret.txt",
          "notes/../secret.txt",
          `${world.folder}/../secret.txt`,
          "/etc/passwd",
          "notes/link.txt",
          "notes/up/secret.txt",
        ],
        ...[
          "notes/hard.txt",
          "notes/inner/diary.md",
          "notes/pipe",
          "notes/todo.md\u0000.png",
          "file:///etc/passwd",
          "notes/%2e%2e/secret.txt",
        ],
      ];
      for (const path of tries) {
        for (const [tool, args] of [
          ["fs.readFile", { path }],
          ["fs.list", { dir: path }],
          ["fs.grep", { dir: path, pattern: "outside|Nobody" }],
        ] as const) {
          const answer = await reader.call(tool, args);
          expect(answer.ok, `${tool} ${path}`).toBe(false);
          expect(JSON.stringify(answer)).not.toMatch(/must stay outside|Nobody reads/);
        }
      }
      await swapWhile(async () => {
        for (let round = 0; round < 200; round++) {
          const answer = await reader.call(
            "fs.readFile",
            { path: "notes/swapped/secret.txt" },
            { purpose: `round ${round >> 3}` },
          );
          expect(JSON.stringify(answer)).not.toContain(outside);
        }
      });
    }),
  );

  verifies("D1.grep", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const found = (await reader.call("fs.grep", { dir: "notes", pattern: "[Ww]ater\\b", context: 1 })).result;
      expect(found.matches).toMatchObject([
        { path: `${world.folder}/todo.md`, line: 3, start: 9, end: 14, text: "Water the plants.", before: [""] },
      ]);
      const { path, start, end } = found.matches[0];
      expect((await reader.call("fs.readFile", { path, range: { start, end } })).result.content).toBe("Water");
      const closed = await reader.call("fs.grep", { dir: "notes", pattern: "Nobody", ignoreCase: true });
      expect(closed.result.matches).toEqual([]);
      expect(JSON.stringify(closed.result)).not.toMatch(/closed|diary/);
      const many = await reader.call("fs.grep", { dir: "notes", pattern: ".", maxMatches: 1 });
      expect(many.result).toMatchObject({ matches: [{}], truncated: "matches" });
      expect(await reader.call("fs.grep", { dir: "notes", pattern: "(?=x)" })).toMatchObject({
        code: "VALIDATION_ERROR",
      });
    }),
  );

  verifies("D1.write", (door) =>
    asGuest(world, { door, subject: "writer" }, async (writer) => {
      const word = `heron${door.replaceAll("-", "")}`;
      const path = `notes/drafts/${door}.md`;
      const write = (args: object) => writer.call("fs.writeFile", { path, ...args });
      expect(await write({ content: `${word} one\n`, mustBeNew: true })).toMatchObject({ result: { created: true } });
      expect(await write({ content: "x", mustBeNew: true })).toMatchObject({ code: "VALIDATION_ERROR" });
      const { sha256 } = (await write({ content: `${word} two\n` })).result;
      expect(await write({ content: "x", ifMatch: "0".repeat(64) })).toMatchObject({ code: "VALIDATION_ERROR" });
      const replaced = await write({ content: `${word} three\n`, ifMatch: sha256 });
      expect(replaced.result.version).toMatch(/^[0-9A-Z]{26}$/);
      expect((await writer.call("fs.readFile", { path })).result.content).toBe(`${word} three\n`);
      for (const [hidden, code] of [
        ["notes/link.txt", "PERMISSION_DENIED"],
        ["notes/hard.txt", "PERMISSION_DENIED"],
        ["notes/closed/diary.md", "PERMISSION_DENIED"],
        ["notes/.git", "PERMISSION_DENIED"],
        ["../secret.txt", "PERMISSION_DENIED"],
      ] as const)
        expect(await writer.call("fs.writeFile", { path: hidden, content: "x" })).toMatchObject({ ok: false, code });
      expect(readFileSync(join(world.base, "secret.txt"), "utf8")).toBe(outside);
      await eventually(20_000, async () => {
        const { results } = (await writer.call("search", { query: word }, { purpose: `${Date.now()}` })).result;
        expect(JSON.stringify(results)).toContain(`${door}.md`);
      });
      const lines = (await world.audit()).filter(({ id }) => id === replaced.auditId);
      expect(lines.map(({ kind }) => kind)).toEqual(["intent", "call"]);
    }),
  );

  verifies("P6.write", async (door) => {
    await asGuest(world, { door, subject: "wildcard" }, async (guest) => {
      expect((await guest.tools()).map(({ name }) => name).join()).not.toMatch(/write/i);
      expect(await guest.call("fs.writeFile", { path: "notes/x.md", content: "x" })).toMatchObject({ ok: false });
    });
    await asGuest(world, { door, subject: "writer" }, async (guest) => {
      const tool = (await guest.tools()).find(({ name }) => /write/i.test(name));
      expect(tool?.annotations).toMatchObject({ readOnlyHint: false });
      // MCP clients have a purpose by default; who has none is refused.
      const silent = await guest.call("fs.writeFile", { path: "notes/silent.md", content: "x" }, { purpose: "" });
      expect(silent.ok).toBe(door.startsWith("mcp"));
    });
    expect(existsSync(join(world.folder, "x.md"))).toBe(false);
  });

  verifiesOnce("D1.undo", async () => {
    await asGuest(world, { door: "http", subject: "writer" }, async (writer) => {
      await writer.call("fs.writeFile", { path: "notes/plan.md", content: "first\n" });
      await writer.call("fs.writeFile", { path: "notes/plan.md", content: "second\n" });
    });
    const plan = join(world.folder, "plan.md");
    const listed = JSON.parse((await world.run("fs", "versions", plan, "--json")).stdout);
    expect(listed.versions).toMatchObject([{ path: plan, size: 6 }]);
    const undone = await world.run("fs", "undo", listed.versions[0].id, "--json");
    expect([undone.status, readFileSync(plan, "utf8")]).toEqual([0, "first\n"]);
    // What was undone is kept as well.
    const { version } = JSON.parse(undone.stdout);
    expect((await world.run("fs", "undo", version)).status).toBe(0);
    expect(readFileSync(plan, "utf8")).toBe("second\n");
    expect((await world.run("fs", "undo", "01AAAAAAAAAAAAAAAAAAAAAAAA")).status).toBe(66);
    expect((await world.run("fs", "nonsense")).status).toBe(64);
    expect((await world.audit()).filter(({ method }) => method === "fs.undo")).toHaveLength(2);
  });

  verifies("L3.size", (door) =>
    asGuest(world, { door, subject: "frugal" }, async (frugal) => {
      const refused = await frugal.call("fs.readFile", { path: "notes/big.txt" });
      expect(refused).toMatchObject({ ok: false, code: "TOO_LARGE" });
      expect(`${refused.message} ${JSON.stringify(refused.details)}`).toMatch(/range/);
      expect(
        await frugal.call("fs.readFile", { path: "notes/big.txt", range: { start: 0, end: 1_024 } }),
      ).toMatchObject({ ok: true });
    }),
  );

  verifies("D2.log", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const log = await reader.call("git.log", { repository: "notes" });
      const subjects = log.result.commits.map(({ subject }: { subject: string }) => subject);
      expect(subjects).toEqual(["Add numbers", "Begin the list"]);
      expect(JSON.stringify(log.result)).not.toMatch(/diary/);
      expect(await reader.call("git.log", { repository: "notes", rev: "--output=/tmp/x" })).toMatchObject({
        ok: false,
      });
      expect(await reader.call("git.log", { repository: ".." })).toMatchObject({ ok: false });
    }),
  );
});

/** A folder that is swapped with a link to the outside, over and over, by another process while the body runs. */
async function swapWhile(body: () => Promise<void>): Promise<void> {
  const [there, link, spare] = ["swapped", "swapped-link", "swapped-spare"].map((name) => join(world.folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(there);
  writeFileSync(join(there, "secret.txt"), "a harmless file");
  symlinkSync(world.base, link);
  const program = `const fs=require("node:fs");const [a,b,c]=process.argv.slice(1);for(;;){fs.renameSync(a,c);fs.renameSync(b,a);fs.renameSync(a,b);fs.renameSync(c,a);}`;
  const swapper = spawn(process.execPath, ["-e", program, there, link, spare], { stdio: "ignore" });
  try {
    await body();
  } finally {
    const ended = new Promise((resolve) => swapper.once("exit", resolve));
    swapper.kill("SIGKILL");
    await ended;
    for (const path of [there, link, spare]) rmSync(path, { recursive: true, force: true });
  }
}
