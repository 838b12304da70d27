import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { CallError, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Adapter, Permit, Tool } from "../adapter.ts";
import { createGitAdapter } from "./create-git-adapter.ts";
import type { LogInput, LogOutput } from "./schemas.ts";
import type { GitLimits } from "./source.ts";

let base: string;
let root: string;
let adapter: Adapter;
const open: Adapter[] = [];

const serve = (path: string, extra: { gitPath?: string; limits?: GitLimits } = {}): Adapter => {
  const made = createGitAdapter({ name: "git", folders: [{ name: "root", path }], home: base, ...extra });
  open.push(made);
  return made;
};

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/git-`));
  root = `${base}/root`;
  init(root);
  adapter = serve(root);
});

afterEach(async () => {
  for (const made of open.splice(0)) await made.stop?.();
  fs.rmSync(base, { recursive: true, force: true });
});

function git(cwd: string, ...args: string[]): string {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", GIT_CONFIG_GLOBAL: "/dev/null", HOME: base };
  const who = ["-c", "user.name=Duck", "-c", "user.email=duck@home", "-c", "protocol.file.allow=always"];
  return execFileSync("git", [...who, ...args], { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

function init(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  git(folder, "init", "-q", "-b", "main");
}

function commit(folder: string, message: string, files: Record<string, string | null>): string {
  for (const [path, content] of Object.entries(files)) {
    if (content === null) fs.rmSync(`${folder}/${path}`);
    else {
      fs.mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      fs.writeFileSync(`${folder}/${path}`, content);
    }
  }
  git(folder, "add", "-A");
  git(folder, "commit", "-q", "--allow-empty", "-m", message);
  return git(folder, "rev-parse", "HEAD").trim();
}

type Allows = (resource: Resource) => boolean;
const ajv = new Ajv2020({ strict: true });

async function log(input: LogInput = {}, allows: Allows = () => true, maxBytes = 1_000_000): Promise<LogOutput> {
  const tool = adapter.tools()[0] as unknown as Tool<LogInput, LogOutput>;
  if (!ajv.validate(tool.input, input)) throw new CallError("VALIDATION_ERROR", ajv.errorsText());
  const resources = await tool.touches(input);
  if (!resources.every(allows)) throw new CallError("PERMISSION_DENIED", "policy", { details: { reason: "policy" } });
  const permit = {
    subject: "duck",
    tool: "git.log",
    resources,
    maxBytes,
    hardlinks: false,
    allows,
  } as unknown as Permit;
  const output = await tool.run(input, { permit, signal: new AbortController().signal, progress: () => {} });
  expect(ajv.validate(tool.output, output)).toBe(true);
  const filtered = tool.filter?.(output, allows);
  expect(filtered).toEqual(output);
  return output;
}

const subjects = ({ commits }: LogOutput): string[] => commits.map(({ subject }) => subject);
const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "allowed",
    (error: unknown) => (error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error)),
  );

/** Hides what lies at or below a path, in whichever form it is asked. */
const without =
  (hidden: string): Allows =>
  (resource) => {
    const path = resource.kind === "git" ? `${resource.repository}/${resource.path}` : "";
    return path !== `${root}/${hidden}` && !path.startsWith(`${root}/${hidden}/`);
  };

describe("a history", () => {
  test("is told with hashes, parents, authors, messages and files", async () => {
    const first = commit(root, "one\n\nbody\nof it", { "a b.txt": "1", "new\nline": "x", "caf\u00e9.md": "1" });
    const second = commit(root, "two", { "a b.txt": "2", "new\nline": null });
    const { commits, repository, truncated } = await log();
    expect([repository, truncated]).toEqual([root, false]);
    expect(commits).toMatchObject([
      { hash: second, parents: [first], subject: "two", body: "", author: { name: "Duck", email: "duck@home" } },
      { hash: first, parents: [], subject: "one", body: "body\nof it" },
    ]);
    expect(commits[0]?.files).toEqual([
      { path: "a b.txt", status: "modified" },
      { path: "new\nline", status: "deleted" },
    ]);
    expect(commits[1]?.files.map(({ path }) => path).sort()).toEqual(["a b.txt", "caf\u00e9.md", "new\nline"]);
  });

  test("is narrowed by paths, dates, revision and count", async () => {
    commit(root, "one", { "a/x": "1" });
    commit(root, "two", { "b/x": "1" });
    git(root, "branch", "old");
    commit(root, "three", { "a/y": "1", "b/y": "1" });
    expect(subjects(await log({ paths: ["a"] }))).toEqual(["three", "one"]);
    expect((await log({ paths: ["a"] })).commits[0]?.files).toEqual([{ path: "a/y", status: "added" }]);
    expect(subjects(await log({ repository: "root/b" }))).toEqual(["three", "two"]);
    expect(subjects(await log({ repository: "root/b", paths: ["y"] }))).toEqual(["three"]);
    expect(subjects(await log({ rev: "old" }))).toEqual(["two", "one"]);
    expect(subjects(await log({ rev: "old..main" }))).toEqual(["three"]);
    expect(await log({ maxCount: 2 })).toMatchObject({ truncated: true, commits: [{}, {}] });
    expect(subjects(await log({ since: "1 day ago" }))).toHaveLength(3);
    expect(subjects(await log({ until: "2001-01-01" }))).toEqual([]);
    expect(await log({}, undefined, 600)).toMatchObject({ truncated: true });
    expect(await refusal(log({ rev: "nowhere" }))).toBe("NOT_FOUND revision");
    expect(await refusal(log({ paths: ["../x"] }))).toBe("PERMISSION_DENIED outside");
  });

  test("of a name committed in decomposed form is found by the composed one", async () => {
    commit(root, "one", { ["caf\u00e9.md".normalize("NFD")]: "1" });
    expect((await log({ paths: ["caf\u00e9.md"] })).commits[0]?.files).toEqual([
      { path: "caf\u00e9.md", status: "added" },
    ]);
  });

  test("may be empty, or not be there", async () => {
    expect(await log()).toMatchObject({ commits: [], truncated: false });
    fs.mkdirSync(`${base}/plain`);
    adapter = serve(`${base}/plain`);
    expect(await refusal(log())).toBe("NOT_FOUND no_repository");
    adapter = serve(root, { gitPath: "/nonexistent/git" });
    expect(await refusal(log())).toBe("UPSTREAM git_missing");
  });

  test.each(["--output=x", "-n1", "HEAD:secret", "HEAD@{1}", "a b", "^main"])(
    "takes no revision like %s",
    async (rev) => {
      expect(await refusal(log({ rev }))).toMatch(/^VALIDATION_ERROR/);
    },
  );
});

describe("what policy hides", () => {
  test("is hidden in every commit, and a commit of it alone is not there", async () => {
    commit(root, "visible", { "a.md": "1" });
    commit(root, "only hidden", { "private/key.txt": "1" });
    commit(root, "both: add private/key2.txt, ./key2.txt and a.md.", { "private/key2.txt": "1", "a.md": "2" });
    const answer = await log({}, without("private"));
    expect(subjects(answer)).toEqual(["both: add [hidden path], ./[hidden path] and a.md.", "visible"]);
    expect(JSON.stringify(answer)).not.toMatch(/private|key/);
    expect(await refusal(log({ paths: ["private"] }, without("private")))).toBe("PERMISSION_DENIED policy");
  });

  test("is not told by the other side of a rename or copy", async () => {
    const text = "the same content, long enough to be seen as a rename\n".repeat(20);
    commit(root, "one", { "private/plan.md": text });
    fs.mkdirSync(`${root}/public`);
    git(root, "mv", "private/plan.md", "public/plan.md");
    commit(root, "published", {});
    git(root, "config", "diff.renames", "copies");
    git(root, "config", "log.follow", "true");
    for (const input of [{}, { paths: ["public/plan.md"] }]) {
      const answer = await log(input, without("private"));
      expect(answer.commits.map(({ files }) => files)).toEqual([[{ path: "public/plan.md", status: "added" }]]);
      expect(JSON.stringify(answer)).not.toContain("private");
    }
  });

  test("is hidden in merges, which show what they bring in", async () => {
    commit(root, "base", { "a.md": "1" });
    git(root, "checkout", "-q", "-b", "side");
    commit(root, "side", { "private/x": "1" });
    git(root, "checkout", "-q", "main");
    commit(root, "main", { "a.md": "2" });
    git(root, "merge", "-q", "--no-ff", "-m", "merged", "side");
    expect(subjects(await log()).sort()).toEqual(["base", "main", "merged", "side"]);
    expect(subjects(await log({}, without("private")))).toEqual(["main", "base"]);
  });

  test("counts are of what is shown", async () => {
    commit(root, "shown", { "a.md": "1" });
    for (let index = 0; index < 5; index++) commit(root, `hidden ${index}`, { "private/x": `${index}` });
    expect(await log({ maxCount: 1 }, without("private"))).toMatchObject({
      commits: [{ subject: "shown" }],
      truncated: false,
    });
  });
});

describe("the repository", () => {
  test("around a served folder shows only what lies in the folder", async () => {
    commit(root, "inside", { "docs/a.md": "1" });
    commit(root, "beside", { "other/b.md": "1" });
    adapter = serve(`${root}/docs`);
    const answer = await log();
    expect(answer).toMatchObject({
      repository: root,
      commits: [{ subject: "inside", files: [{ path: "docs/a.md" }] }],
    });
    expect(await refusal(log({ paths: ["../other"] }))).toBe("PERMISSION_DENIED outside");
  });

  test("may not be brought in from elsewhere", async () => {
    const other = `${base}/other`;
    init(other);
    const hash = commit(other, "secret", { "secret.txt": "1" });
    const elsewhere = "PERMISSION_DENIED repository_elsewhere";
    commit(root, "one", { "a.md": "1" });
    const attack = async (): Promise<string> => {
      const answers = [await refusal(log()), await refusal(log({ rev: hash }))];
      expect(answers[0]).toBe(answers[1]);
      return answers[0] ?? "";
    };

    fs.writeFileSync(`${root}/.git/objects/info/alternates`, `${other}/.git/objects\n`);
    expect(await attack()).toBe(elsewhere);
    fs.writeFileSync(`${root}/.git/objects/info/alternates`, `"${other}/.git/objects"\n`);
    expect(await attack()).toBe(elsewhere);
    fs.rmSync(`${root}/.git/objects/info/alternates`);
    fs.writeFileSync(`${root}/.git/commondir`, `${other}/.git\n`);
    expect(await attack()).toBe(elsewhere);
    fs.rmSync(`${root}/.git/commondir`);
    expect(await refusal(log({ rev: hash }))).toBe("NOT_FOUND revision");

    fs.renameSync(`${root}/.git/objects`, `${base}/objects`);
    fs.symlinkSync(`${other}/.git/objects`, `${root}/.git/objects`);
    expect(await attack()).toBe(elsewhere);
    fs.rmSync(`${root}/.git`, { recursive: true });
    fs.symlinkSync(`${other}/.git`, `${root}/.git`);
    expect(await attack()).toMatch(/^(PERMISSION_DENIED|NOT_FOUND)/);
    fs.rmSync(`${root}/.git`);
    fs.writeFileSync(`${root}/.git`, `gitdir: ${other}/.git\n`);
    expect(await attack()).toBe(elsewhere);
  });

  test("may be a linked work tree or borrow objects, when all of it is served", async () => {
    const main = `${root}/main`;
    init(main);
    commit(main, "one", { "a.md": "1" });
    git(main, "worktree", "add", "-q", "-b", "topic", `${root}/topic`);
    commit(`${root}/topic`, "two", { "b.md": "1" });
    git(root, "clone", "-q", "--shared", main, `${root}/clone`);
    expect(await log({ repository: "root/topic" })).toMatchObject({ repository: `${root}/topic`, commits: [{}, {}] });
    expect(subjects(await log({ repository: "root/clone" }))).toEqual(["one"]);
  });

  test("runs nothing that its configuration names", async () => {
    commit(root, "one", { "a.md": "1" });
    // Showing a signature would run the program that checks it.
    const signed = git(root, "cat-file", "commit", "HEAD").replace(
      "\n\n",
      "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n\n",
    );
    fs.writeFileSync(`${base}/signed`, signed);
    git(root, "reset", "-q", "--soft", git(root, "hash-object", "-w", "-t", "commit", `${base}/signed`).trim());
    const tree = git(root, "rev-parse", "HEAD^{tree}").trim();
    const proof = `${base}/ran`;
    const script = `${base}/evil`;
    fs.writeFileSync(script, `#!/bin/sh\necho ran >> ${proof}\n`, { mode: 0o755 });
    const keys = [
      "core.fsmonitor",
      "core.pager",
      "pager.log",
      "core.sshCommand",
      "core.editor",
      "diff.external",
      "diff.evil.textconv",
      "diff.evil.command",
      "filter.evil.clean",
      "filter.evil.smudge",
      "gpg.program",
      "gpg.ssh.program",
      "core.alternateRefsCommand",
      "credential.helper",
    ];
    for (const key of keys) git(root, "config", key, script);
    git(root, "config", "alias.log", `!${script}`);
    git(root, "config", "log.showSignature", "true");
    git(root, "config", "core.worktree", "/nonexistent");
    git(root, "config", "remote.origin.url", `ext::${script}`);
    git(root, "config", "remote.origin.promisor", "true");
    git(root, "config", "protocol.ext.allow", "always");
    git(root, "config", "extensions.partialClone", "origin");
    fs.writeFileSync(`${root}/.gitattributes`, "* diff=evil filter=evil\n");
    fs.writeFileSync(`${root}/.git/info/attributes`, "* diff=evil filter=evil\n");
    for (const hook of ["post-index-change", "reference-transaction", "fsmonitor-watchman"]) {
      fs.copyFileSync(script, `${root}/.git/hooks/${hook}`);
    }
    expect(subjects(await log())).toEqual(["one"]);
    expect(subjects(await log({ paths: ["a.md"] }))).toEqual(["one"]);
    // An object that is missing is what a partial clone would fetch.
    fs.rmSync(`${root}/.git/objects/${tree.slice(0, 2)}/${tree.slice(2)}`);
    expect(await refusal(log())).toBe("UPSTREAM git");
    expect(fs.existsSync(proof)).toBe(false);
  });

  test("is given up at a limit, and its process ends with the call", async () => {
    commit(root, "one", { "a.md": "1" });
    const slow = `${base}/slow`;
    fs.writeFileSync(slow, `#!/bin/sh\necho $$ > ${base}/pid\nexec sleep 60\n`, { mode: 0o755 });
    adapter = serve(root, { gitPath: slow, limits: { milliseconds: 300, bytes: 1_000, commits: 10 } });
    const start = performance.now();
    expect(await log()).toMatchObject({ commits: [], truncated: true });
    expect(performance.now() - start).toBeLessThan(5_000);

    adapter = serve(root, { gitPath: slow });
    const tool = adapter.tools()[0] as unknown as Tool<LogInput, LogOutput>;
    const permit = { maxBytes: 1_000, allows: () => true } as unknown as Permit;
    const call = new AbortController();
    setTimeout(() => call.abort(), 300);
    await expect(tool.run({}, { permit, signal: call.signal, progress: () => {} })).rejects.toThrow("aborted");
    const pid = Number(fs.readFileSync(`${base}/pid`, "utf8"));
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("leaves nothing open", async () => {
    commit(root, "one", { "a.md": "1" });
    await log();
    const before = fs.readdirSync("/proc/self/fd").length;
    for (let index = 0; index < 5; index++) await log({ maxCount: 1 });
    expect(fs.readdirSync("/proc/self/fd").length).toBe(before);
  });
});
