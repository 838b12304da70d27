import { type ChildProcess, spawn } from "node:child_process";
import { CallError } from "@portcullis/contracts";
import { isErrno } from "../../files/refusals.ts";
import type { Repository } from "./find-repository.ts";

interface GitRun {
  /** The git program: a name sought in the usual places, or an absolute path. */
  readonly gitPath: string;
  readonly repository: Repository;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly milliseconds: number;
  readonly bytes: number;
}

/** Git ended with an error of its own. `stderr` stays inside. */
export class GitFailure extends Error {
  readonly stderr: string;

  constructor(stderr: string) {
    super("git failed");
    this.name = "GitFailure";
    this.stderr = stderr;
  }
}

/** The time or the size that git was given has run out. */
export class GitCut extends Error {}

/** A repository's own configuration can name programs to run; each such key is overruled, here and by options (git-config(1)). */
const overruled = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.pager=cat",
  "core.sshCommand=false",
  "core.alternateRefsCommand=true",
  "core.quotePath=true",
  "core.attributesFile=/dev/null",
  "core.excludesFile=/dev/null",
  "blame.ignoreRevsFile=",
  "credential.helper=",
  "diff.external=",
  "diff.orderFile=/dev/null",
  "diff.renames=false",
  "diff.ignoreSubmodules=none",
  "diff.submodule=short",
  "gpg.program=false",
  "gpg.ssh.program=false",
  "gpg.x509.program=false",
  "log.showSignature=false",
  "log.showRoot=true",
  "log.mailmap=false",
  "log.follow=false",
  "mailmap.file=/dev/null",
  "protocol.allow=never",
  "safe.bareRepository=explicit",
  "submodule.recurse=false",
];

const environment = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin",
  LC_ALL: "C",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "false",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_ALLOW_PROTOCOL: "none",
  GIT_LITERAL_PATHSPECS: "1",
  GIT_PAGER: "cat",
} as const;

/** Runs git as `runGitBytes` does, and yields its output as text; bytes that are no UTF-8 come out as U+FFFD. */
export async function* runGit(run: GitRun): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const bytes of runGitBytes(run)) yield decoder.decode(bytes, { stream: true });
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}

/**
 * Runs git, read-only, on a pinned repository, and yields its output. No shell, no configuration but the repository's (with what
 * it could run overruled), no network, no prompt. The child is killed on abort, at either limit, and when the reader stops.
 *
 * Throws `GitCut` at a limit, `GitFailure` for git's own errors, `UPSTREAM` when git cannot be run.
 */
export async function* runGitBytes(run: GitRun): AsyncGenerator<Buffer> {
  run.signal.throwIfAborted();
  const child = start(run);
  const kill = (): void => void child.kill("SIGKILL");
  let cut = false;
  const timer = setTimeout(() => {
    cut = true;
    kill();
  }, run.milliseconds);
  run.signal.addEventListener("abort", kill, { once: true });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < 8_192) stderr += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // Whoever stops reading early does not wait for the end.
  ended.catch(() => {});
  try {
    let bytes = 0;
    for await (const piece of (child.stdout ?? []) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      yield piece;
      if (bytes > run.bytes) throw new GitCut();
    }
    const status = await ended;
    run.signal.throwIfAborted();
    if (cut) throw new GitCut();
    if (status !== 0) throw new GitFailure(stderr);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EACCES", "EAGAIN", "ENOMEM", "EMFILE")) throw error;
    const missing = error.code === "ENOENT" || error.code === "EACCES";
    throw new CallError("UPSTREAM", missing ? "git is not installed on the server." : "git could not be started.", {
      cause: error,
      details: { reason: "git_missing", next: "Tell the user: the server needs git 2.31 or newer on its machine." },
    });
  } finally {
    clearTimeout(timer);
    run.signal.removeEventListener("abort", kill);
    kill();
  }
}

function start({ gitPath, repository: { gitDir, commonDir }, args }: GitRun): ChildProcess {
  const inherited = (fd: number | undefined): number | "ignore" => fd ?? "ignore";
  const door = (given: { fd: number | undefined; door: string }, number: number): string =>
    given.fd === undefined ? given.door : `/proc/self/fd/${number}`;
  return spawn(
    gitPath,
    [
      "--no-pager",
      `--git-dir=${door(gitDir, 3)}`,
      "--work-tree=/",
      ...overruled.flatMap((pair) => ["-c", pair]),
      ...args,
    ],
    {
      cwd: "/",
      env: commonDir ? { ...environment, GIT_COMMON_DIR: door(commonDir, 4) } : environment,
      stdio: ["ignore", "pipe", "pipe", inherited(gitDir.fd), inherited(commonDir?.fd)],
      windowsHide: true,
    },
  );
}
