import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Child {
  readonly pid: number | undefined;
  readonly input: Writable;
  readonly output: Readable;
  readonly complaints: Readable;
  /** Resolves when the child is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** Ends the child and all that it started in its process group: its input first, then a request, then by force. */
  end(graceMs?: number): Promise<void>;
}

/**
 * Waits beside the command until the server's end of a pipe closes, however the server ended, and then ends the whole group. It is forked off twice, so
 * that the command has no child that it did not start.
 */
const guarded = `( { read -r _ <&3; kill -9 -$$; } </dev/null >/dev/null 2>&1 & ) ; exec 3<&- ; exec "$0" "$@"`;

/** Starts a command in a process group of its own. */
export function startChild({ command, args, env, cwd }: ChildOptions): Child {
  const posix = process.platform !== "win32";
  const child = spawn(posix ? "/bin/sh" : command, posix ? ["-c", guarded, command, ...args] : [...args], {
    env,
    ...(cwd !== undefined && { cwd }),
    detached: posix,
    windowsHide: true,
    stdio: posix ? ["pipe", "pipe", "pipe", "pipe"] : ["pipe", "pipe", "pipe"],
  }) as ChildProcessWithoutNullStreams;
  // A child that is gone must not end the server by the fault of a write.
  for (const stream of child.stdio) stream?.on("error", () => {});
  let over = false;
  const ended = new Promise<string>((resolve) => {
    const tell = (how: string): void => {
      over = true;
      // What the command left behind in its group goes with it.
      signalGroup(child.pid, "SIGKILL");
      resolve(how);
    };
    const name = (code: number | null): string =>
      code === 127 && posix ? `${command} is not there` : `exit status ${code}`;
    child.once("error", (error) => tell((error as NodeJS.ErrnoException).code ?? "could not start"));
    child.once("exit", (code, signal) => tell(signal ?? name(code)));
  });
  const within = (ms: number): Promise<unknown> =>
    Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms).unref())]);
  return {
    pid: child.pid,
    input: child.stdin,
    output: child.stdout,
    complaints: child.stderr,
    ended,
    async end(graceMs = 1_000) {
      child.stdin.end();
      if (!over) await within(graceMs);
      if (!over) signalGroup(child.pid, "SIGTERM");
      if (!over) await within(graceMs);
      if (!over) signalGroup(child.pid, "SIGKILL");
      await within(5_000);
      for (const stream of child.stdio) stream?.destroy();
    },
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch {
    // Nothing of it is left.
  }
}
