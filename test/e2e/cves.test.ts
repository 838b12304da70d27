// One test for each published weakness of an MCP server that read files, ran git or ran programs: what went wrong there, and what holds here.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Guest } from "../support/doors.ts";
import { asGuest } from "../support/guests.ts";
import { doors } from "../support/requirement.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
/** Files that would be there had a program been run or an option been taken. */
const traps = (): readonly string[] => readdirSync(world.base).filter((name) => name.startsWith("trap"));

function makeRepository(folder: string, word: string): void {
  mkdirSync(folder, { recursive: true });
  const git = (...args: string[]): void => {
    execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.test", ...args], {
      cwd: folder,
      stdio: "ignore",
    });
  };
  writeFileSync(join(folder, "a.md"), `${word}\n`);
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-qm", word);
}

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: ["fs.*", "git.*", "http.fetch"], allow: ["@served/**", "http://*:*/**"] }
  - { tool: fs.writeFile, allow: ["@served/**"] }
`,
    },
    prepare({ folder, base }) {
      makeRepository(folder, "inside");
      makeRepository(join(base, "other"), "OUTSIDE");
      mkdirSync(`${folder}-evil`);
      mkdirSync(join(base, "empty"));
      writeFileSync(join(`${folder}-evil`, "secret.txt"), "OUTSIDE");
      writeFileSync(join(base, "secret.txt"), "OUTSIDE");
      symlinkSync(join(base, "secret.txt"), join(folder, "link.txt"));
      symlinkSync(`${folder}-evil`, join(folder, "linked"));
    },
  });
});
afterAll(() => world?.close());

const refused = async (reader: Guest, name: string, args: Record<string, unknown>): Promise<void> => {
  const answer = await reader.call(name, args);
  expect(answer.ok, `${name} ${JSON.stringify(args)} was answered`).toBe(false);
  expect(JSON.stringify(answer)).not.toContain("OUTSIDE");
};

const onEachDoor = (title: string, body: (reader: Guest) => Promise<void>): void => {
  for (const door of doors)
    test(`${title} (${door})`, () =>
      asGuest(world, { door, subject: "reader" }, async (reader) => {
        // What is refused below is not refused because nothing works.
        expect(await reader.call("fs.readFile", { path: "notes/a.md" })).toMatchObject({ ok: true });
        expect(await reader.call("git.log", { repository: "notes" })).toMatchObject({ ok: true });
        await body(reader);
      }));
};

describe("files", () => {
  onEachDoor(
    "CVE-2025-53110: a folder whose name begins like the served one was taken for it; here a folder ends where its name does",
    async (reader) => {
      for (const path of [
        `${world.folder}-evil/secret.txt`,
        `${world.folder}-evil`,
        "notes-evil/secret.txt",
        "notes/../notes-evil/secret.txt",
      ])
        for (const name of ["fs.readFile", "fs.stat"]) await refused(reader, name, { path });
      await refused(reader, "fs.list", { dir: `${world.folder}-evil` });
      await refused(reader, "fs.writeFile", { path: `${world.folder}-evil/new.txt`, content: "x" });
      expect(existsSync(`${world.folder}-evil/new.txt`)).toBe(false);
    },
  );

  onEachDoor(
    "CVE-2025-53109: a link in the folder led out of it, to be read and written; here what a path really opens is judged",
    async (reader) => {
      for (const path of ["notes/link.txt", "notes/linked/secret.txt"]) {
        await refused(reader, "fs.readFile", { path });
        await refused(reader, "fs.writeFile", { path, content: "CHANGED" });
      }
      await refused(reader, "fs.writeFile", { path: "notes/linked/new.txt", content: "x" });
      expect(readdirSync(`${world.folder}-evil`)).toEqual(["secret.txt"]);
    },
  );
});

describe("git", () => {
  onEachDoor(
    "CVE-2025-68143: git_init made a repository of any folder of the machine; here no tool makes one, nor asks one outside",
    async (reader) => {
      expect((await reader.tools()).map(({ name }) => name).filter((name) => /init|clone|checkout/.test(name))).toEqual(
        [],
      );
      await refused(reader, "git.init", { repository: join(world.base, "empty") });
      await refused(reader, "git.log", { repository: join(world.base, "empty") });
      expect(readdirSync(join(world.base, "empty"))).toEqual([]);
    },
  );

  onEachDoor(
    "CVE-2025-68144: a revision that began with a dash was an option to git, which wrote a file; here it is no revision",
    async (reader) => {
      const option = `--output=${join(world.base, "trap-option")}`;
      for (const revRange of [option, `HEAD..${option}`, `${option}..HEAD`, "--no-index", "-O/etc/passwd"])
        await refused(reader, "git.diff", { repository: "notes", revRange });
      await refused(reader, "git.show", { repository: "notes", rev: option });
      await refused(reader, "git.log", { repository: "notes", rev: option });
      await refused(reader, "git.blame", { repository: "notes", path: "a.md", rev: option });
      await reader.call("git.log", { repository: "notes", paths: [option] });
      await reader.call("git.log", { repository: "notes", since: option });
      expect(traps()).toEqual([]);
    },
  );

  onEachDoor(
    "CVE-2025-68145: a repository beside the one that was served could be named in a call; here policy judges each",
    async (reader) => {
      for (const repository of [
        join(world.base, "other"),
        "notes/../../other",
        "../other",
        `${world.folder}/../other`,
      ]) {
        await refused(reader, "git.log", { repository });
        await refused(reader, "git.diff", { repository, revRange: "HEAD" });
        await refused(reader, "git.show", { repository, rev: "HEAD" });
      }
    },
  );

  onEachDoor(
    "CVE-2025-53107: arguments were put together to a line for a shell; here git is started without one",
    async (reader) => {
      const trap = join(world.base, "trap-shell");
      for (const text of [
        `; touch ${trap}`,
        `$(touch ${trap})`,
        `\`touch ${trap}\``,
        `| touch ${trap}`,
        `HEAD\ntouch ${trap}`,
      ]) {
        for (const rev of [text, `HEAD${text}`]) {
          await refused(reader, "git.diff", { repository: "notes", revRange: rev });
          await refused(reader, "git.show", { repository: "notes", rev });
        }
        await reader.call("git.log", { repository: "notes", paths: [text] });
        await reader.call("git.search", { repository: "notes", text });
        await refused(reader, "git.log", { repository: text });
      }
      expect(traps()).toEqual([]);
    },
  );
});

describe("programs", () => {
  onEachDoor(
    "CVE-2025-53967: a URL was handed to curl through a shell when a fetch had failed; here no program fetches anything",
    async (reader) => {
      const trap = join(world.base, "trap-url");
      for (const url of [
        `http://127.0.0.1:9/$(touch ${trap})`,
        `http://127.0.0.1:9/;touch ${trap}`,
        `http://127.0.0.1:9/"; touch ${trap}; "`,
        `http://127.0.0.1:9/\`touch\${IFS}${trap}\``,
      ])
        await refused(reader, "http.fetch", { url });
      expect(traps()).toEqual([]);
    },
  );
});
