import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** An engine's own server, in a folder of its own on loopback. */
export interface EngineServer {
  readonly url: string;
  /** Ends it as a machine that loses its power does. */
  kill(): Promise<void>;
  /** It goes on to exist, and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Begins again on the same port with what it has kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The first of these programs that is on the path, or in a folder where systems put it. */
export function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/local/bin",
    "/usr/bin",
    "/usr/lib/postgresql/17/bin",
  ];
  return [...folders, "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin"]
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

/** A folder that a server of another user than root may have: some refuse to be run by root. */
export function makeServerFolder(name: string): {
  readonly folder: string;
  readonly user: { uid?: number; gid?: number };
} {
  const folder = mkdtempSync(join(tmpdir(), `portcullis-${name}-`));
  if (process.getuid?.() !== 0) return { folder, user: {} };
  const nobody = { uid: 65_534, gid: 65_534 };
  chownSync(folder, nobody.uid, nobody.gid);
  return { folder, user: nobody };
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly user: { uid?: number; gid?: number };
  readonly url: string;
  /** Resolves once it takes connections. */
  ready(): Promise<void>;
}

const patienceMs = 30_000;

export async function launch({ program, args, folder, user, url, ready }: Launch): Promise<EngineServer> {
  let child: ChildProcess;
  let said = "";
  const begin = async (): Promise<void> => {
    child = spawn(program, [...args], { ...user, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        said = (said + chunk).slice(-4_000);
      });
    const end = Date.now() + patienceMs;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${said}`);
      const up = await Promise.race([
        ready().then(
          () => true,
          () => false,
        ),
        pause(1_000, false),
      ]);
      if (up) return;
      if (Date.now() > end) throw new Error(`${program} did not start:\n${said}`);
      await pause(25);
    }
  };
  /** Some servers are many processes, each with a session of its own. */
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  const finish = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    signalAll("SIGKILL");
    await ended;
  };
  await begin();
  return {
    url,
    kill: finish,
    freeze: () => signalAll("SIGSTOP"),
    thaw: () => signalAll("SIGCONT"),
    restart: begin,
    async stop() {
      await finish();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
