import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import { CallError } from "@portcullis/contracts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pin } from "./pin.ts";
import type { Pinned } from "./pinned.ts";
import { readPinned } from "./read-pinned.ts";
import { pinByRealPath } from "./real-path-pin.ts";
import { createRoots, isCaseSensitive, type Roots } from "./roots.ts";
import { fileSafetyMode } from "./safety-mode.ts";
import { isSpelledAsListed } from "./spelling.ts";

const linux = process.platform === "linux";
let base: string;
let root: string;
let outside: string;
let roots: Roots;

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/pin-`));
  root = `${base}/root`;
  outside = `${base}/outside`;
  fs.mkdirSync(`${root}/sub`, { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(`${root}/a.txt`, "inside");
  fs.writeFileSync(`${root}/sub/b.txt`, "inside");
  fs.writeFileSync(`${outside}/secret.txt`, "canary");
  roots = createRoots([{ name: "root", path: root }]);
});

afterEach(() => {
  roots.close();
  fs.rmSync(base, { recursive: true, force: true });
});

interface Asking {
  readonly allows?: (path: string) => boolean;
  readonly wanted?: "file" | "folder" | "either";
  readonly hardlinks?: boolean;
  readonly pinner?: typeof pin;
}

async function ask(path: string, { pinner = pin, ...asking }: Asking = {}): Promise<string> {
  let pinned: Pinned;
  try {
    pinned = await pinner({ path, wanted: "file", roots, allows: () => true, ...asking });
  } catch (error) {
    return error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error);
  }
  try {
    if (pinned.stat.isDirectory()) return `folder ${pinned.real}`;
    const bytes = await readPinned(pinned, { start: 0, end: 100, signal: new AbortController().signal });
    return bytes.toString();
  } finally {
    pinned.close();
  }
}

describe.runIf(linux)("links", () => {
  test("inside the folder they are followed, and policy is asked about where they lead", async () => {
    fs.symlinkSync("a.txt", `${root}/link`);
    fs.symlinkSync("sub", `${root}/dir`);
    expect(await ask(`${root}/link`)).toBe("inside");
    expect(await ask(`${root}/dir/b.txt`)).toBe("inside");
    const asked: string[] = [];
    const allows = (path: string): boolean => {
      asked.push(path);
      return false;
    };
    expect(await ask(`${root}/link`, { allows })).toBe("PERMISSION_DENIED real_path");
    expect(asked).toEqual([`${root}/a.txt`]);
  });

  test("out of it they tell nothing, not even whether there is something", async () => {
    fs.symlinkSync(outside, `${root}/dir`);
    fs.symlinkSync(`${outside}/secret.txt`, `${root}/file`);
    fs.symlinkSync(`${outside}/missing`, `${root}/dangling`);
    fs.symlinkSync("loop", `${root}/loop`);
    fs.symlinkSync("/proc/self/root", `${root}/proc`);
    const denied = "PERMISSION_DENIED real_path";
    for (const path of [
      "dir/secret.txt",
      "dir/missing",
      "dir",
      "dir/a/b/c",
      "file",
      "dangling",
      "dangling/x",
      "loop",
    ]) {
      expect([path, await ask(`${root}/${path}`, { wanted: "either" })]).toEqual([path, denied]);
    }
    expect(await ask(`${root}/proc${outside}/secret.txt`)).toBe(denied);
    expect(await ask(`${root}/proc${root}/a.txt`)).toBe("inside");
  });

  test("to a file that policy denies, missing and there are alike", async () => {
    fs.symlinkSync("sub", `${root}/dir`);
    const allows = (path: string): boolean => !path.startsWith(`${root}/sub/`);
    expect(await ask(`${root}/dir/b.txt`, { allows })).toBe("PERMISSION_DENIED real_path");
    expect(await ask(`${root}/dir/missing`, { allows })).toBe("PERMISSION_DENIED real_path");
  });

  test("a missing file of the folder itself is told as missing", async () => {
    expect(await ask(`${root}/missing`)).toBe("NOT_FOUND missing");
    expect(await ask(`${root}/missing/deeper`)).toBe("NOT_FOUND missing");
    expect(await ask(`${root}/a.txt/deeper`)).toBe("NOT_FOUND missing");
  });
});

describe.runIf(linux)("special files", () => {
  test("pipes, sockets and devices are refused at once", async () => {
    execFileSync("mkfifo", [`${root}/fifo`]);
    const server = net.createServer().listen(`${root}/socket`);
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const start = performance.now();
      expect(await ask(`${root}/fifo`)).toBe("PERMISSION_DENIED fifo");
      expect(await ask(`${root}/socket`)).toBe("PERMISSION_DENIED socket");
      expect(performance.now() - start).toBeLessThan(1_000);
    } finally {
      server.close();
    }
    fs.symlinkSync("/dev/zero", `${root}/zero`);
    expect(await ask(`${root}/zero`)).toBe("PERMISSION_DENIED real_path");
    expect(await ask("/dev/zero")).toMatch(/^PERMISSION_DENIED/);
  });

  test("a file with a second name is refused unless the scope accepts it", async () => {
    fs.linkSync(`${outside}/secret.txt`, `${root}/hard`);
    expect(await ask(`${root}/hard`)).toBe("PERMISSION_DENIED hard_link");
    expect(await ask(`${root}/hard`, { hardlinks: true })).toBe("canary");
  });

  test("a folder is no file and a file no folder", async () => {
    expect(await ask(`${root}/sub`)).toBe("VALIDATION_ERROR folder");
    expect(await ask(`${root}/a.txt`, { wanted: "folder" })).toBe("VALIDATION_ERROR file");
  });
});

describe.runIf(linux)("outside every served folder", () => {
  test("a path that policy allows is read, but no link is followed", async () => {
    expect(await ask(`${outside}/secret.txt`)).toBe("canary");
    fs.symlinkSync("secret.txt", `${outside}/link`);
    expect(await ask(`${outside}/link`)).toBe("PERMISSION_DENIED real_path");
    expect(await ask(`${outside}/missing`)).toBe("NOT_FOUND missing");
  });

  test("pseudo file systems are refused", async () => {
    expect(await ask("/proc/version")).toBe("PERMISSION_DENIED mount");
    expect(await ask("/proc/self/environ")).toBe("PERMISSION_DENIED real_path");
  });
});

describe.runIf(linux)("names", () => {
  const composed = "caf\u00e9";
  const decomposed = composed.normalize("NFD");

  test("a name that is decomposed on disk is found, in every mixture", async () => {
    fs.mkdirSync(`${root}/${decomposed}`);
    fs.writeFileSync(`${root}/${decomposed}/${composed}.txt`, "mixed");
    fs.writeFileSync(`${root}/${decomposed}.txt`, "decomposed");
    expect(await ask(`${root}/${composed}.txt`)).toBe("decomposed");
    expect(await ask(`${root}/${composed}/${composed}.txt`)).toBe("mixed");
  });

  test("two files that a policy cannot tell apart are refused", async () => {
    fs.writeFileSync(`${root}/${composed}`, "1");
    fs.writeFileSync(`${root}/${decomposed}`, "2");
    expect(await ask(`${root}/${composed}`)).toBe("PERMISSION_DENIED ambiguous");
  });

  test("a link to a name that is no text is refused", async () => {
    const raw = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]);
    fs.writeFileSync(raw, "raw");
    fs.symlinkSync(raw, `${root}/link`);
    expect(await ask(`${root}/link`)).toBe("PERMISSION_DENIED real_path");
  });

  test("a spelling in another case is not what the folder lists", async () => {
    expect(await isSpelledAsListed(root, `${root}/sub/b.txt`)).toBe(true);
    expect(await isSpelledAsListed(root, `${root}/SUB/b.txt`)).toBe(false);
    expect(isCaseSensitive(root)).toBe(!fs.existsSync(`${root}/A.TXT`));
  });
});

describe.runIf(linux)("folders that go", () => {
  test("a served folder that vanished is told, and served again when it is back", async () => {
    expect(await ask(`${root}/a.txt`)).toBe("inside");
    fs.renameSync(root, `${base}/away`);
    expect(await ask(`${root}/a.txt`)).toBe("UPSTREAM folder_gone");
    fs.renameSync(`${base}/away`, root);
    expect(await ask(`${root}/a.txt`)).toBe("inside");
  });

  test("a served folder that became a link leads nowhere", async () => {
    expect(await ask(`${root}/a.txt`)).toBe("inside");
    fs.renameSync(root, `${base}/away`);
    fs.symlinkSync(outside, root);
    expect(await ask(`${root}/secret.txt`)).toBe("PERMISSION_DENIED real_path");
    roots.close();
    expect(await ask(`${root}/secret.txt`)).toBe("UPSTREAM folder_gone");
  });

  test("nothing is left open", async () => {
    fs.symlinkSync(outside, `${root}/dir`);
    await ask(`${root}/a.txt`);
    const before = fs.readdirSync("/proc/self/fd").length;
    for (const path of ["a.txt", "missing", "dir/secret.txt", "dir/x", "sub"]) await ask(`${root}/${path}`);
    expect(fs.readdirSync("/proc/self/fd").length).toBe(before);
  });
});

// In a namespace of its own, so that the test needs no privilege and leaves no mount behind.
const canMount =
  linux &&
  (await new Promise((resolve) =>
    spawn("unshare", ["-rm", "true"])
      .on("error", () => resolve(1))
      .on("close", resolve),
  )) === 0;
if (!canMount) console.warn("pin.test: bind mounts are not tested, since unshare -rm does not work here.");

test.runIf(canMount)("what is mounted inside a served folder is not the folder's", async () => {
  const script = `
    import { execFileSync } from "node:child_process";
    import fs from "node:fs";
    import { pin } from ${JSON.stringify(new URL("pin.ts", import.meta.url).href)};
    import { createRoots } from ${JSON.stringify(new URL("roots.ts", import.meta.url).href)};
    const root = ${JSON.stringify(root)}, outside = ${JSON.stringify(outside)};
    fs.mkdirSync(root + "/mnt");
    const roots = createRoots([{ name: "root", path: root }]);
    const ask = (path) => pin({ path, wanted: "either", roots, allows: () => true }).then(
      (pinned) => "ok " + pinned.real, (error) => error.code + " " + error.details?.reason);
    const answers = [await ask(root + "/mnt")];
    execFileSync("mount", ["--bind", outside, root + "/mnt"]);
    execFileSync("mount", ["--bind", outside + "/secret.txt", root + "/a.txt"]);
    for (const path of ["/mnt", "/mnt/secret.txt", "/mnt/missing", "/a.txt", "/sub/b.txt"]) answers.push(await ask(root + path));
    execFileSync("mount", ["--bind", root, outside]);
    answers.push(await ask(outside + "/sub/b.txt"));
    console.log(JSON.stringify(answers));`;
  const out = execFileSync(
    "unshare",
    ["-rm", process.execPath, "--conditions=portcullis-source", "--input-type=module-typescript", "-e", script],
    { encoding: "utf8", cwd: new URL(".", import.meta.url).pathname },
  );
  expect(JSON.parse(out)).toEqual([
    `ok ${root}/mnt`,
    "PERMISSION_DENIED mount",
    "PERMISSION_DENIED mount",
    "PERMISSION_DENIED mount",
    "PERMISSION_DENIED mount",
    `ok ${root}/sub/b.txt`,
    "PERMISSION_DENIED mount",
  ]);
});

test.runIf(linux)("a swap between check and use never gives what lies outside", { timeout: 60_000 }, async () => {
  fs.symlinkSync(`${outside}/secret.txt`, `${root}/a.link`);
  fs.symlinkSync(outside, `${root}/sub.link`);
  fs.writeFileSync(`${root}/sub/secret.txt`, "inside");
  const swapper = spawn(process.execPath, [
    "-e",
    `const fs = require("node:fs"), root = ${JSON.stringify(root)};
     const swap = (name) => {
       fs.renameSync(root + "/" + name, root + "/" + name + ".kept");
       fs.renameSync(root + "/" + name + ".other", root + "/" + name);
       fs.renameSync(root + "/" + name + ".kept", root + "/" + name + ".other");
     };
     fs.renameSync(root + "/a.link", root + "/a.txt.other");
     fs.renameSync(root + "/sub.link", root + "/sub.other");
     process.stdout.write("go");
     for (;;) { swap("a.txt"); swap("sub"); }`,
  ]);
  try {
    await new Promise((resolve) => swapper.stdout.once("data", resolve));
    const seen = new Map<string, number>();
    for (let turn = 0; turn < 3_000; turn++) {
      for (const path of ["a.txt", "sub/secret.txt"]) {
        const answer = await ask(`${root}/${path}`);
        seen.set(answer, (seen.get(answer) ?? 0) + 1);
      }
    }
    expect(seen.get("canary")).toBeUndefined();
    // Otherwise the race was none.
    expect(seen.get("inside")).toBeGreaterThan(100);
    expect(seen.get("PERMISSION_DENIED real_path")).toBeGreaterThan(100);
  } finally {
    swapper.kill("SIGKILL");
    await new Promise((resolve) => swapper.once("close", resolve));
  }
});

describe("systems without descriptors of paths", () => {
  test("each says how safe it is", () => {
    expect(["linux", "darwin", "win32"].map((name) => fileSafetyMode(name as NodeJS.Platform))).toEqual([
      "pinned",
      "no-follow",
      "symlink-free",
    ]);
  });

  test.each(["no-follow", "symlink-free"] as const)("%s: no link leads out, and files are read", async (mode) => {
    const pinner: typeof pin = (request) => pinByRealPath(request, mode);
    fs.symlinkSync(outside, `${root}/dir`);
    fs.symlinkSync("a.txt", `${root}/link`);
    expect(await ask(`${root}/a.txt`, { pinner })).toBe("inside");
    expect(await ask(`${root}/missing`, { pinner })).toBe("NOT_FOUND missing");
    expect(await ask(`${root}/dir/secret.txt`, { pinner })).toBe("PERMISSION_DENIED real_path");
    expect(await ask(`${root}/dir/missing`, { pinner })).toBe("PERMISSION_DENIED real_path");
    const denied = "PERMISSION_DENIED real_path";
    expect(await ask(`${root}/link`, { pinner })).toBe(mode === "no-follow" ? "inside" : denied);
    expect(await ask(`${root}/link`, { pinner, allows: () => false })).toBe(denied);
  });
});
