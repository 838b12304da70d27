import { spawn } from "node:child_process";
import { homedir } from "node:os";

/** Git as a witness uses it: no hooks, no configuration of the machine's, no prompt, and only ways of transport that are safe. */
const options = [
  ...["core.hooksPath=/dev/null", "core.fsmonitor=false", "credential.helper=", "gc.auto=0", "commit.gpgSign=false"],
  ...["push.recurseSubmodules=no", "protocol.ext.allow=never", "protocol.file.allow=always"],
].flatMap((pair) => ["-c", pair]);

const environment = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin",
  LC_ALL: "C",
  HOME: homedir(),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "false",
  GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=10",
  GIT_ALLOW_PROTOCOL: "file:ssh:https",
  GIT_AUTHOR_NAME: "portcullis",
  GIT_AUTHOR_EMAIL: "audit@portcullis.local",
  GIT_COMMITTER_NAME: "portcullis",
  GIT_COMMITTER_EMAIL: "audit@portcullis.local",
};

const deadlineMs = 20_000;
const mostBytes = 64 * 1024 * 1024;

/** Runs git over a bare repository and answers what it printed. Rejects when it fails, says too much, or takes too long. */
export function runWitnessGit(repository: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", ["--no-pager", `--git-dir=${repository}`, ...options, ...args], {
      cwd: "/",
      env: environment,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.length > mostBytes) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (err.length < 2_000) err += text;
    });
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      if (status === 0) resolve(out);
      else reject(new Error(`git ${args[0]} ended with ${status ?? signal}: ${err.trim().split("\n").at(-1) ?? ""}`));
    });
    child.stdin.end(input);
  });
}

/** A commit whose tree is the one file `checkpoint`, on top of another. */
export async function commitCheckpoint(repository: string, note: string, parent: string | undefined): Promise<string> {
  const blob = (await runWitnessGit(repository, ["hash-object", "-w", "--stdin"], note)).trim();
  const tree = (await runWitnessGit(repository, ["mktree"], `100644 blob ${blob}\tcheckpoint\n`)).trim();
  const parents = parent === undefined ? [] : ["-p", parent];
  return (await runWitnessGit(repository, ["commit-tree", tree, ...parents, "-m", "checkpoint"])).trim();
}

/** The checkpoints of all commits of a repository. */
export async function readCheckpoints(repository: string): Promise<readonly string[]> {
  const commits = (await runWitnessGit(repository, ["rev-list", "--all", "--max-count=100000"]))
    .split("\n")
    .filter(Boolean);
  if (commits.length === 0) return [];
  const asked = commits.map((commit) => `${commit}:checkpoint\n`).join("");
  const told = Buffer.from(await runWitnessGit(repository, ["cat-file", "--batch"], asked));
  const notes: string[] = [];
  for (let at = 0; at < told.length; ) {
    const end = told.indexOf(10, at);
    const [, type, size] = told.toString("utf8", at, end).split(" ");
    if (type !== "blob") at = end + 1;
    else {
      notes.push(told.toString("utf8", end + 1, end + 1 + Number(size)));
      at = end + 2 + Number(size);
    }
  }
  return notes;
}
