import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { CallError, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Adapter, Permit, Tool } from "../adapter.ts";
import { createGitAdapter } from "./create-git-adapter.ts";
import type { BlameOutput, DiffOutput, LogOutput, SearchOutput, ShowOutput } from "./schemas.ts";
import type { GitLimits } from "./source.ts";

let base: string;
let root: string;
let adapter: Adapter;
const open: Adapter[] = [];

function serve(path: string, limits?: GitLimits): void {
  adapter = createGitAdapter({ name: "git", folders: [{ name: "root", path }], home: base, ...(limits && { limits }) });
  open.push(adapter);
}

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/git-`));
  root = `${base}/root`;
  fs.mkdirSync(root);
  git("init", "-q", "-b", "main");
  serve(root);
});

afterEach(async () => {
  for (const made of open.splice(0)) await made.stop?.();
  fs.rmSync(base, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", GIT_CONFIG_GLOBAL: "/dev/null", HOME: base };
  const who = ["-c", "user.name=Duck", "-c", "user.email=duck@home", "-c", "protocol.file.allow=always"];
  return execFileSync("git", [...who, ...args], {
    cwd: root,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

function commit(message: string, files: Record<string, string | Buffer | null>): string {
  for (const [path, content] of Object.entries(files)) {
    if (content === null) fs.rmSync(`${root}/${path}`);
    else {
      fs.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      fs.writeFileSync(`${root}/${path}`, content);
    }
  }
  git("add", "-A");
  git("commit", "-q", "--allow-empty", "-m", message);
  return git("rev-parse", "HEAD").trim();
}

type Allows = (resource: Resource) => boolean;
const ajv = new Ajv2020({ strict: true });

async function call<O>(name: string, input: object, allows: Allows = () => true, maxBytes = 1_000_000): Promise<O> {
  const tool = adapter.tools().find((each) => each.name === name) as unknown as Tool<unknown, O>;
  if (!ajv.validate(tool.input, input))
    throw new CallError("VALIDATION_ERROR", ajv.errorsText(), { details: { reason: "schema" } });
  const resources = await tool.touches(input);
  if (!resources.every(allows)) throw new CallError("PERMISSION_DENIED", "policy", { details: { reason: "policy" } });
  const permit = { maxBytes, hardlinks: false, allows } as unknown as Permit;
  const output = await tool.run(input, { permit, signal: new AbortController().signal, progress: () => {} });
  expect(ajv.validate(tool.output, output), ajv.errorsText()).toBe(true);
  if (tool.filter) expect(tool.filter(output, allows)).toEqual(output);
  return output;
}

const diff = (input: object, allows?: Allows, maxBytes?: number) =>
  call<DiffOutput>("git.diff", { revRange: "HEAD", ...input }, allows, maxBytes);
const show = (input: object, allows?: Allows) => call<ShowOutput>("git.show", { rev: "HEAD", ...input }, allows);
const blame = (input: object, allows?: Allows) => call<BlameOutput>("git.blame", { path: "a.md", ...input }, allows);
const search = (input: object, allows?: Allows) => call<SearchOutput>("git.search", input, allows);

const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "allowed",
    (error: unknown) => (error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error)),
  );

/** Hides what lies at or below a path of the repository. */
const without =
  (hidden: string): Allows =>
  (resource) => {
    const path = resource.kind === "git" ? `${resource.repository}/${resource.path}` : "";
    return path !== `${root}/${hidden}` && !path.startsWith(`${root}/${hidden}/`);
  };
const hides = without("private");

/** Names that could be taken for something else, by git or by whoever reads what it says. */
const hostile = [
  "new\nline.txt",
  "a\ndiff --git a/x b/x",
  'quo"te.txt',
  "back\\slash",
  "tab\there",
  "-dash",
  "--output=x",
  ":(top)x",
  "caf\u00e9.md",
  "a b/x b/y",
  " lead",
  "trail ",
  "\u0001",
  "*",
  "x => y",
];

describe("a comparison", () => {
  test("tells files, counts and patches, of a range or of one commit", async () => {
    const first = commit("one", { "a.md": "1\n2\n3\n", "gone.md": "x\n", "b.bin": Buffer.from([0, 1, 2]) });
    git("branch", "old");
    const second = commit("two", {
      "a.md": "1\ntwo\n3\n",
      "gone.md": null,
      "sub/new.md": "n\n",
      "b.bin": Buffer.from([0, 9]),
    });
    const answer = await diff({ revRange: "old..main", context: 1 });
    expect([answer.from, answer.to, answer.truncated]).toEqual([first, second, false]);
    expect(answer.files).toEqual([
      { path: "a.md", status: "modified", additions: 1, deletions: 1, patch: "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3" },
      { path: "b.bin", status: "modified", additions: 0, deletions: 0, binary: true, patch: "" },
      { path: "gone.md", status: "deleted", additions: 0, deletions: 1, patch: "@@ -1 +0,0 @@\n-x" },
      { path: "sub/new.md", status: "added", additions: 1, deletions: 0, patch: "@@ -0,0 +1 @@\n+n" },
    ]);
    expect((await diff({ context: 1 })).files).toEqual(answer.files);
    expect((await diff({ revRange: "HEAD~1" })).files.map(({ status }) => status)).toEqual(["added", "added", "added"]);
    expect((await diff({ pathGlob: "*.md" })).files.map(({ path }) => path)).toEqual(["a.md", "gone.md", "sub/new.md"]);
    expect((await diff({ repository: "root/sub" })).files.map(({ path }) => path)).toEqual(["sub/new.md"]);
    git("checkout", "-q", "old");
    commit("side", { "side.md": "s\n" });
    expect((await diff({ revRange: "main...HEAD" })).files.map(({ path }) => path)).toEqual(["side.md"]);
    expect(await refusal(diff({ revRange: "main..nowhere" }))).toBe("NOT_FOUND revision");
  });

  test("tells names as they are, whatever they are", async () => {
    commit("none", {});
    commit("all", Object.fromEntries(hostile.map((name) => [name, `in ${name}\n`])));
    // A name that is not text in UTF-8 is one that no rule could have meant.
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), "bytes\n");
    git("add", "-A");
    git("commit", "-q", "--amend", "-m", "all");
    const { files } = await diff({});
    expect(files.map(({ path }) => path).sort()).toEqual([...hostile].sort());
    for (const { path, patch } of files) expect(patch).toContain(`+in ${path.split("\n")[0]}`);
    for (const path of hostile) {
      expect((await show({ path })).content).toBe(`in ${path}\n`);
      expect((await blame({ path })).lines[0]).toMatchObject({ commit: git("rev-parse", "HEAD").trim() });
    }
  });

  test("finds a decomposed name by the composed one, and refuses two that look the same", async () => {
    commit("one", { "u\u0308.md": "1\n" });
    expect((await diff({})).files[0]?.path).toBe("\u00fc.md");
    expect((await show({ path: "\u00fc.md" })).content).toBe("1\n");
    expect((await blame({ path: "\u00fc.md" })).lines).toHaveLength(1);
    commit("two", { "\u00fc.md": "2\n" });
    expect(await refusal(show({ path: "\u00fc.md" }))).toBe("PERMISSION_DENIED ambiguous");
  });

  test("is cut where it grows too large, and says so", async () => {
    commit("none", {});
    commit("huge", { "a.txt": "line\n".repeat(100_000), "b.txt": `${"x".repeat(300_000)}\nend\n`, "c.txt": "small\n" });
    const { files, truncated } = await diff({});
    expect(files.map(({ path, additions, patchTruncated }) => [path, additions, patchTruncated])).toEqual([
      ["a.txt", 100_000, true],
      ["b.txt", 2, true],
      ["c.txt", 1, undefined],
    ]);
    expect([truncated, (files[0]?.patch.length ?? 0) < 120_000]).toEqual([false, true]);
    expect(await diff({}, undefined, 2_000)).toMatchObject({ files: [], truncated: true });
    serve(root, { milliseconds: 15_000, bytes: 1_000, commits: 10 });
    expect((await diff({})).truncated).toBe(true);
  });
});

describe("what policy hides", () => {
  const text = "the same content, long enough to be seen as a rename\n".repeat(20);

  test("is in no comparison, commit, file, blame or search", async () => {
    const hidden = commit("only hidden", { "private/key.txt": "needle 1\n" });
    const both = commit("both: private/key2.txt and a.md", { "private/key2.txt": "needle 2\n", "a.md": "needle 3\n" });
    for (const revRange of ["HEAD", "HEAD~1..HEAD", hidden])
      expect(JSON.stringify(await diff({ revRange }, hides))).not.toMatch(/private|key/);
    expect((await diff({ revRange: hidden }, hides)).files).toEqual([]);
    expect((await show({}, hides)).commit).toMatchObject({ hash: both, subject: "both: [hidden path] and a.md" });
    expect((await show({}, hides)).files?.map(({ path }) => path)).toEqual(["a.md"]);
    // One answer for a commit of which nothing may be seen, and one that is not there.
    const answers = await Promise.all([hidden, "0".repeat(40), "nowhere"].map((rev) => refusal(show({ rev }, hides))));
    expect(new Set(answers)).toEqual(new Set(["NOT_FOUND revision"]));
    expect(await refusal(show({ path: "private/key.txt" }, hides))).toBe("PERMISSION_DENIED policy");
    expect(await refusal(blame({ path: "private/key.txt" }, hides))).toBe("PERMISSION_DENIED policy");
    const found = await search({ text: "needle" }, hides);
    expect(found.commits.map(({ hash, files }) => [hash, files])).toEqual([
      [both, [{ path: "a.md", status: "added" }]],
    ]);
    expect(JSON.stringify(found)).not.toMatch(/private|key/);
    expect((await search({ text: "needle 2" }, hides)).commits).toEqual([]);
    expect((await search({ regex: "needle [12]" }, hides)).commits).toEqual([]);
    expect((await search({ regex: "needle [12]" })).commits).toHaveLength(2);
    const log = await call<LogOutput>("git.log", { paths: ["a.md"] }, hides);
    expect(log.commits.map(({ subject }) => subject)).toEqual(["both: [hidden path] and a.md"]);
  });

  test("is not told by a rename, in either direction", async () => {
    commit("one", { "private/plan.md": text, "open.md": "x\n" });
    fs.mkdirSync(`${root}/public`);
    git("mv", "private/plan.md", "public/plan.md");
    const published = commit("published", {});
    git("config", "diff.renames", "copies");
    git("config", "blame.coloring", "highlightRecent");
    const answer = await diff({}, hides);
    expect(answer.files.map(({ path, status, additions }) => [path, status, additions])).toEqual([
      ["public/plan.md", "added", 20],
    ]);
    const lines = await blame({ path: "public/plan.md" }, hides);
    expect(lines.lines[0]).toEqual({ line: 1, text: text.split("\n")[0] });
    expect(lines.commits).toEqual([]);
    expect(JSON.stringify([answer, lines, await show({}, hides)])).not.toContain("private");
    // Whoever may see both is told.
    expect((await blame({ path: "public/plan.md" })).lines[0]?.commit).not.toBe(published);
    git("mv", "public/plan.md", "private/plan.md");
    commit("hidden again", {});
    expect((await diff({}, hides)).files.map(({ path, status }) => [path, status])).toEqual([
      ["public/plan.md", "deleted"],
    ]);
  });

  test("is not told by the message of a file that was asked for alone", async () => {
    commit("moves private/key.txt beside a.md", { "a.md": "1\n", "private/key.txt": "1\n" });
    const log = await call<LogOutput>("git.log", { paths: ["a.md"] }, hides);
    const [blamed] = (await blame({}, hides)).commits;
    const [found] = (await search({ text: "1", paths: ["a.md"] }, hides)).commits;
    for (const told of [log.commits[0], blamed, found]) expect(told?.subject).toBe("moves [hidden path] beside a.md");
  });

  test("stays hidden where a file has become a folder, or a link", async () => {
    commit("file", { private: "public then\n" });
    fs.rmSync(`${root}/private`);
    commit("folder", { "private/key.txt": "canary\n" });
    const allows: Allows = (resource) => resource.kind !== "git" || !resource.path.startsWith("private/");
    expect((await diff({}, allows)).files.map(({ path, status }) => [path, status])).toEqual([["private", "deleted"]]);
    fs.symlinkSync("private/key.txt", `${root}/link`);
    commit("link", {});
    expect(await refusal(show({ path: "link" }, allows))).toBe("VALIDATION_ERROR link");
    expect(await refusal(show({ path: "private" }, allows))).toBe("VALIDATION_ERROR folder");
  });

  test("lies beside the folder that was asked for, too", async () => {
    commit("beside", { "docs/a.md": "1\n", "other/b.md": "needle\n" });
    serve(`${root}/docs`);
    expect((await diff({})).files.map(({ path }) => path)).toEqual(["docs/a.md"]);
    expect((await show({})).commit?.files).toEqual([{ path: "docs/a.md", status: "added" }]);
    expect((await show({ path: "a.md" })).content).toBe("1\n");
    expect((await search({ text: "needle" })).commits).toEqual([]);
    expect(await refusal(show({ path: "../other/b.md" }))).toBe("PERMISSION_DENIED outside");
    const only = commit("only beside", { "other/b.md": "2\n" });
    expect(await refusal(show({ rev: only }))).toBe("NOT_FOUND revision");
  });
});

describe("a revision", () => {
  test.each([
    "--output=x",
    "-n1",
    "HEAD:a.md",
    "HEAD@{1}",
    "a b",
    "^main",
    "HEAD^{/one}",
    "HEAD^{tree}",
    ":/one",
    "main..main",
  ])("is never %s", async (rev) => {
    commit("one", { "a.md": "1\n" });
    for (const ask of [
      () => show({ rev }),
      () => show({ rev, path: "a.md" }),
      () => blame({ rev }),
      () => search({ rev, text: "1" }),
    ])
      expect(await refusal(ask())).toMatch(/^VALIDATION_ERROR/);
    if (rev !== "main..main") expect(await refusal(diff({ revRange: rev }))).toMatch(/^VALIDATION_ERROR/);
  });

  test("names a commit, and no tree or blob", async () => {
    commit("one", { "a.md": "1\n", "private/key.txt": "canary\n" });
    for (const object of ["HEAD^{tree}", "HEAD:private/key.txt", "HEAD:private"]) {
      const hash = git("rev-parse", object).trim();
      for (const ask of [
        () => show({ rev: hash }, hides),
        () => diff({ revRange: hash }, hides),
        () => blame({ rev: hash }, hides),
      ])
        expect(await refusal(ask())).toBe("NOT_FOUND revision");
    }
  });
});

test("blame tells each line's commit, and only the lines that were asked for", async () => {
  const first = commit("one", { "a.md": "1\n2\n3\n" });
  const second = commit("two", { "a.md": "1\ntwo\n3\n" });
  const { lines, commits } = await blame({});
  expect(lines).toEqual([
    { line: 1, text: "1", commit: first },
    { line: 2, text: "two", commit: second },
    { line: 3, text: "3", commit: first },
  ]);
  expect(commits.map(({ subject, author }) => `${subject} ${author.name}`).sort()).toEqual(["one Duck", "two Duck"]);
  expect((await blame({ startLine: 2, endLine: 2 })).lines.map(({ text }) => text)).toEqual(["two"]);
  expect((await blame({ rev: "HEAD~1", startLine: 2 })).lines.map(({ text }) => text)).toEqual(["2", "3"]);
  expect(await refusal(blame({ startLine: 9 }))).toBe("VALIDATION_ERROR range");
  expect(await refusal(blame({ startLine: 3, endLine: 2 }))).toBe("VALIDATION_ERROR range");
  expect(await refusal(blame({ path: "none" }))).toBe("NOT_FOUND missing");
  commit("empty", { "empty.md": "" });
  expect((await blame({ path: "empty.md" })).lines).toEqual([]);
});

test("show gives a file's bytes as they were, and refuses what is none", async () => {
  commit("one", { "a.md": "old\r\n", "b.bin": Buffer.from([0xff, 0]) });
  commit("two", { "a.md": "new\n" });
  expect(await show({ rev: "HEAD~1", path: "a.md" })).toMatchObject({ content: "old\r\n", encoding: "utf8", size: 5 });
  expect(await show({ path: "b.bin" })).toMatchObject({ content: "/wA=", encoding: "base64", size: 2 });
  expect(await refusal(show({ path: "none.md" }))).toBe("NOT_FOUND missing");
  expect(await refusal(call("git.show", { rev: "HEAD", path: "a.md" }, () => true, 2))).toBe("TOO_LARGE size");
});

test("search takes text or an expression, never an option", async () => {
  commit("one", { "a.md": "--output=x and -Gfoo\n" });
  commit("two", { "a.md": "Beta\n" });
  const subjects = async (input: object) => (await search(input)).commits.map(({ subject }) => subject);
  expect(await subjects({ text: "--output=x" })).toEqual(["two", "one"]);
  expect(await subjects({ regex: "^beta$" })).toEqual([]);
  expect(await subjects({ regex: "^beta$", ignoreCase: true })).toEqual(["two"]);
  expect(await subjects({ text: "-Gfoo", maxCount: 1 })).toEqual(["two"]);
  expect(await search({ text: "-Gfoo", maxCount: 1 })).toMatchObject({ truncated: true });
  for (const input of [
    {},
    { text: "a", regex: "a" },
    { regex: "(" },
    { regex: "(a)\\1" },
    { regex: "((a{90}){90}){90}" },
  ])
    expect(await refusal(search(input))).toBe("VALIDATION_ERROR pattern");
});

describe("a repository", () => {
  test("runs nothing that it names", async () => {
    commit("one", { "a.md": "1\n" });
    commit("two", { "a.md": "2\n" });
    const proof = `${base}/ran`;
    const script = `${base}/evil`;
    fs.writeFileSync(script, `#!/bin/sh\necho ran >> ${proof}\ncat "$1" 2>/dev/null\n`, { mode: 0o755 });
    for (const key of [
      ...["core.fsmonitor", "core.pager", "pager.diff", "pager.show", "pager.blame", "diff.external"],
      ...["diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"],
      ...["core.sshCommand", "gpg.program", "core.alternateRefsCommand", "interactive.diffFilter"],
    ])
      git("config", key, script);
    for (const name of ["diff-tree", "blame", "show", "log", "ls-tree", "cat-file", "rev-parse"])
      git("config", `alias.${name}`, `!${script}`);
    fs.writeFileSync(`${base}/ignored`, `${git("rev-parse", "HEAD").trim()}\n`);
    git("config", "blame.ignoreRevsFile", `${base}/ignored`);
    git("config", "diff.noprefix", "true");
    git("config", "diff.mnemonicPrefix", "true");
    git("config", "core.quotePath", "false");
    git("config", "diff.wsErrorHighlight", "all");
    git("config", "color.ui", "always");
    fs.writeFileSync(`${root}/.git/info/attributes`, "* diff=evil filter=evil\n");
    fs.writeFileSync(`${root}/.gitattributes`, "* diff=evil filter=evil\n");
    const head = git("rev-parse", "HEAD").trim();
    expect((await diff({})).files[0]?.patch).toBe("@@ -1 +1 @@\n-1\n+2");
    expect((await show({})).commit?.subject).toBe("two");
    expect((await show({ path: "a.md" })).content).toBe("2\n");
    expect((await blame({})).lines).toEqual([{ line: 1, text: "2", commit: head }]);
    expect((await search({ text: "2" })).commits).toHaveLength(1);
    expect((await search({ regex: "^2" })).commits).toHaveLength(1);
    expect(fs.existsSync(proof)).toBe(false);
  });

  test("tells a submodule as one, and never enters it", async () => {
    const inner = `${base}/inner`;
    fs.mkdirSync(inner);
    execFileSync("git", ["init", "-q", inner]);
    fs.writeFileSync(`${inner}/secret.txt`, "canary\n");
    const env = { PATH: process.env.PATH, HOME: base, GIT_CONFIG_GLOBAL: "/dev/null" };
    execFileSync("git", ["-C", inner, "add", "."], { env });
    execFileSync("git", ["-C", inner, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "canary inside"], {
      env,
    });
    commit("none", {});
    git("submodule", "--quiet", "add", inner, "module");
    commit("with module", {});
    git("config", "diff.submodule", "log");
    const told = JSON.stringify([await diff({}), await show({})]);
    expect(told).toMatch(/Subproject commit [0-9a-f]{40}/);
    expect(told).not.toContain("canary");
    expect(await refusal(show({ path: "module" }))).toBe("VALIDATION_ERROR submodule");
    expect(await refusal(show({ path: "module/secret.txt" }))).toBe("NOT_FOUND missing");
  });

  test("that is damaged is told as such, without git's words", async () => {
    commit("one", { "a.md": "1\n" });
    commit("two", { "a.md": "2\n" });
    git("repack", "-adq");
    const packs = `${root}/.git/objects/pack`;
    for (const name of fs.readdirSync(packs).filter((each) => each.endsWith(".pack"))) {
      fs.chmodSync(`${packs}/${name}`, 0o644);
      fs.truncateSync(`${packs}/${name}`, 40);
    }
    for (const ask of [() => diff({}), () => show({ path: "a.md" }), () => blame({}), () => search({ text: "1" })])
      expect(await refusal(ask())).toBe("UPSTREAM git");
    const error = await diff({}).catch((thrown: CallError) => thrown);
    expect(JSON.stringify(error)).not.toMatch(/pack-|fatal|\.git/);
  });

  test("leaves nothing open", async () => {
    commit("one", { "a.md": "1\n" });
    const all = () => Promise.all([diff({}), show({}), show({ path: "a.md" }), blame({}), search({ text: "1" })]);
    await all();
    const before = fs.readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 3; round++) await all();
    expect(fs.readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });
});
