import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
const hash = (rev: string): string => git("rev-parse", rev).trim();
let git: (...args: string[]) => string;

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: ["git.*"], allow: ["@served/**"], deny: ["@served/closed/**"] }
`,
    },
    prepare({ folder }) {
      git = (...args) =>
        execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.test", ...args], {
          cwd: folder,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
      const commit = (message: string, files: Record<string, string>): void => {
        for (const [path, content] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, path)), { recursive: true });
          writeFileSync(join(folder, path), content);
        }
        git("add", "-A");
        git("commit", "-qm", message);
      };
      git("init", "-q", "-b", "main");
      commit("Begin", { "a.md": "one\ntwo\n", "closed/diary.md": "heron\n".repeat(20) });
      commit("Only the diary", { "closed/diary.md": "kingfisher\n".repeat(20) });
      commit("Both: closed/diary.md too", { "a.md": "one\nheron\n", "closed/diary.md": "egret\n".repeat(20) });
      git("mv", "closed/diary.md", "published.md");
      git("commit", "-qm", "Publish");
    },
  });
});
afterAll(() => world?.close());

describe("changes", () => {
  verifies("D2.changes", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const told: unknown[] = [];
      const ask = async (name: string, args: Record<string, unknown>) => {
        const answer = await reader.call(name, { repository: "notes", ...args });
        told.push(answer.result);
        return answer;
      };
      const compared = await ask("git.diff", { revRange: "HEAD~3..HEAD~1" });
      expect(compared.result.files).toMatchObject([{ path: "a.md", additions: 1, deletions: 1 }]);
      const published = await ask("git.diff", { revRange: "HEAD" });
      expect(published.result.files).toMatchObject([{ path: "published.md", status: "added" }]);

      const shown = await ask("git.show", { rev: "HEAD~1" });
      expect(shown.result.commit).toMatchObject({ subject: "Both: [hidden path] too", files: [{ path: "a.md" }] });
      expect(await ask("git.show", { rev: "HEAD~3", path: "a.md" })).toMatchObject({
        result: { content: "one\ntwo\n" },
      });
      const closed = await reader.call("git.show", { repository: "notes", rev: "HEAD", path: "closed/diary.md" });
      expect(closed).toMatchObject({ ok: false, code: "PERMISSION_DENIED" });
      // A commit of which nothing may be seen is as one that is not there.
      for (const rev of ["HEAD~2", "f".repeat(40)])
        expect(await ask("git.show", { rev })).toMatchObject({ ok: false, code: "NOT_FOUND" });

      const lines = (await ask("git.blame", { path: "a.md" })).result.lines;
      expect(lines).toMatchObject([
        { text: "one", commit: hash("HEAD~3") },
        { text: "heron", commit: hash("HEAD~1") },
      ]);
      const moved = (await ask("git.blame", { path: "published.md" })).result;
      expect([moved.lines[0], moved.commits]).toEqual([{ line: 1, text: "egret" }, []]);

      const found = await ask("git.search", { text: "heron" });
      expect(found.result.commits).toMatchObject([{ hash: hash("HEAD~1"), files: [{ path: "a.md" }] }]);
      expect((await ask("git.search", { text: "kingfisher" })).result.commits).toEqual([]);
      expect(JSON.stringify(told)).not.toMatch(/closed|diary|kingfisher/);

      for (const rev of ["--output=x", "HEAD:a.md", "HEAD@{1}"])
        for (const [name, args] of [
          ["git.diff", { revRange: rev }],
          ["git.show", { rev }],
          ["git.blame", { rev, path: "a.md" }],
        ] as const)
          expect(await ask(name, args)).toMatchObject({ ok: false, code: "VALIDATION_ERROR" });
    }),
  );
});
