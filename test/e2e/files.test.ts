import { execFileSync, spawn } from "node:child_process";
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
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
