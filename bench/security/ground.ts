import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const canary = "OUTSIDE-CANARY";

/** A served folder, and beside it what must neither be seen nor changed. */
export interface Ground {
  readonly base: string;
  readonly root: string;
  /** All that lies outside, as it is now. */
  outside(): string;
  /** Lays out a scenario; the answer takes it away again. */
  lay(steps: readonly Step[]): () => void;
  fill(text: string): string;
  remove(): void;
}

export type Step = readonly [kind: string, first: string, second?: string | number];

/** In memory where the system has a folder for that: 100,000 writes are not there to measure a disk. */
export function createGround(): Ground {
  const where = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const base = realpathSync(mkdtempSync(join(where, "portcullis-security-")));
  const [root, out] = [join(base, "root"), join(base, "outside")];
  const lay = (): void => {
    for (const folder of [root, join(out, "sub"), `${root}-evil`]) mkdirSync(folder, { recursive: true });
    for (const file of [join(out, "secret.txt"), join(`${root}-evil`, "secret.txt")]) writeFileSync(file, canary);
  };
  lay();
  const fill = (text: string): string =>
    text.replaceAll("$ROOT", root).replaceAll("$OUT", out).replaceAll("$BASE", base);
  const kept = new Set(["root", "data"]);
  return {
    base,
    root,
    outside: () =>
      readdirSync(base)
        .filter((name) => !kept.has(name))
        .flatMap((name) => [name, ...namesBelow(join(base, name))])
        .sort()
        .join("\n"),
    lay(steps) {
      const undo: (() => void)[] = [];
      for (const step of steps) take(step, fill, undo);
      return () => {
        for (const each of undo.reverse()) each();
        for (const name of readdirSync(base))
          if (!kept.has(name)) rmSync(join(base, name), { recursive: true, force: true });
        for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
        lay();
      };
    },
    fill,
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

function namesBelow(folder: string): readonly string[] {
  if (!statSync(folder).isDirectory()) return [folder];
  return readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() ? `${path} ${readFileSync(path, "latin1")}` : path;
  });
}

function take([kind, first, second]: Step, fill: (text: string) => string, undo: (() => void)[]): void {
  const [a, b] = [fill(first), typeof second === "string" ? fill(second) : ""];
  switch (kind) {
    case "mkdir":
      mkdirSync(a, { recursive: true });
      return;
    case "write":
      mkdirSync(dirname(a), { recursive: true });
      writeFileSync(a, b);
      return;
    case "symlink":
      symlinkSync(a, b);
      return;
    case "link":
      linkSync(a, b);
      return;
    case "fifo":
      execFileSync("mkfifo", [a]);
      return;
    case "sparse":
      writeFileSync(a, "");
      truncateSync(a, Number(second));
      return;
    case "socket": {
      const server: Server = createServer().listen(a);
      server.unref();
      undo.push(() => server.close());
      return;
    }
    case "bind":
      mkdirSync(b, { recursive: true });
      execFileSync("mount", ["--bind", a, b], { stdio: "ignore" });
      undo.push(() => execFileSync("umount", ["-l", b], { stdio: "ignore" }));
      return;
    default:
      throw new Error(`The corpus has a step of an unknown kind: ${kind}`);
  }
}
