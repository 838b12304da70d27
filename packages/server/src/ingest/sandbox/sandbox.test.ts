import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NotReadable, type ReadDocument } from "../document.ts";
import type { FormatName } from "../formats/format-of.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "./sandbox.ts";

const run = promisify(execFile);
const opened: Sandbox[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "portcullis-sandbox-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sandbox) => sandbox.stop()));
  await rm(folder, { recursive: true });
});

function open(options: SandboxOptions = {}): Sandbox {
  const sandbox = createSandbox(options);
  opened.push(sandbox);
  return sandbox;
}

/** A reader in place of the real one: `answer(chunk)` is called with what it is asked. */
async function fake(body: string): Promise<URL> {
  const path = join(folder, "reader.mjs");
  const frames = pathToFileURL(join(import.meta.dirname, "frames.ts")).href;
  await writeFile(
    path,
    `import { toChunks } from ${JSON.stringify(frames)};
    const say = (head, text = "") => { for (const chunk of toChunks(head, [Buffer.from(text)])) process.stdout.write(chunk); };
    ${body}`,
  );
  return pathToFileURL(path);
}
const ready = 'process.stdout.write("r");';
const answering = (body: string): string => `${ready} process.stdin.on("data", async () => { ${body} });`;

const read = (sandbox: Sandbox, format: FormatName, bytes: Buffer): Promise<readonly ReadDocument[]> =>
  sandbox.read({ path: `a.${format}`, format, bytes });
const page = Buffer.from("<title>Pumps</title><p>It hums.");
const reasonOf = async (sandbox: Sandbox, format: FormatName, bytes: Buffer): Promise<string> => {
  const error = await read(sandbox, format, bytes).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(NotReadable);
  return (error as Error).message;
};
const expectUsable = async (sandbox: Sandbox): Promise<void> => {
  const [document] = await read(sandbox, "html", page);
  expect(document).toMatchObject({ title: "Pumps", text: Buffer.from("It hums.\n") });
};

describe("the sandbox", () => {
  test("reads files one after the other in one process", async () => {
    const program = await fake(
      answering("say({ documents: [{ part: String(process.pid), kind: 'text', sections: [] }], rss: 1 });"),
    );
    const sandbox = open({ program });
    const all = await Promise.all([1, 2, 3].map(() => read(sandbox, "html", page)));
    expect(new Set(all.map(([document]) => document?.part)).size).toBe(1);
    await expectUsable(open());
  });

  test("ends a reader that takes too long, and reads the next file", async () => {
    const sandbox = open({ timeMs: 500 });
    await expectUsable(sandbox);
    const slow = Buffer.from(`%PDF-1.7\n${"1 0 obj <<".repeat(400_000)}`);
    const start = performance.now();
    expect(await reasonOf(sandbox, "pdf", slow)).toBe("It took longer than 0.5 s to read.");
    expect(performance.now() - start).toBeLessThan(4_000);
    await expectUsable(sandbox);
  });

  test("ends a reader that takes too much memory, in objects or in bytes, and reads the next file", async () => {
    const sandbox = open({ memoryMb: 200 });
    await expectUsable(sandbox);
    const objects = Buffer.from(`{"cells":[${'{"a":{}},'.repeat(5_000_000)}1]}`);
    expect(await reasonOf(sandbox, "notebook", objects)).toBe("It took more than 200 MB of memory to read.");
    await expectUsable(sandbox);
    const packed = deflateSync(Buffer.alloc(400 * 1024 * 1024, " "));
    const bomb = Buffer.concat([
      Buffer.from(
        "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n" +
          `3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>\nendobj\n4 0 obj\n<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`,
      ),
      packed,
      Buffer.from("\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"),
    ]);
    expect(await reasonOf(sandbox, "pdf", bomb)).toBe("It took more than 200 MB of memory to read.");
    await expectUsable(sandbox);
  }, 60_000);

  test("gives a reason when a reader crashes, or is nonsense", async () => {
    const broken = "It broke the program that reads it.";
    const nonsense = "The program that reads it gave no sense.";
    const section = "{ start: 9, label: 'x' }";
    for (const [body, reason] of [
      ["process.exit(3)", broken],
      ["throw new Error('x')", broken],
      ["process.abort()", "It took more than 768 MB of memory to read."],
      ["process.kill(process.pid, 'SIGKILL')", "It took more than 768 MB of memory to read."],
      ["process.stdout.write(Buffer.alloc(1000, 255))", nonsense],
      ["process.stdout.write(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 120]))", nonsense],
      ["say(null)", nonsense],
      ["say({ documents: [], rss: 1 })", nonsense],
      ["say({ documents: [null], rss: 1 })", nonsense],
      ["say({ documents: [{ part: '', kind: 'html', sections: [] }], rss: 1 })", nonsense],
      ["say({ documents: [{ part: '', kind: 'text', sections: [], title: 1 }], rss: 1 })", nonsense],
      ["say({ documents: [{ part: '', kind: 'text', sections: [], text: [0, 9] }], rss: 1 }, 'short')", nonsense],
      [
        `say({ documents: [{ part: '', kind: 'text', sections: [${section}], text: [0, 5] }], rss: 1 }, 'short')`,
        nonsense,
      ],
      ["say({ refused: 'No.', rss: 1 })", "No."],
    ] as const) {
      const sandbox = open({ program: await fake(answering(body)) });
      expect(await reasonOf(sandbox, "html", page), body).toBe(reason);
      expect(await reasonOf(sandbox, "html", page), body).toBe(reason);
    }
  }, 60_000);

  test("blames no file for what another left behind", async () => {
    const leaving = `globalThis.asked = (globalThis.asked ?? 0) + 1;
      if (globalThis.asked === 2) process.exit(70);
      say({ refused: String(process.pid), rss: 1 });`;
    const sandbox = open({ program: await fake(answering(leaving)) });
    const first = await reasonOf(sandbox, "html", page);
    const second = await reasonOf(sandbox, "html", page);
    expect(second).toMatch(/^\d+$/);
    expect(second).not.toBe(first);
  });

  test("starts a reader anew when it holds much memory", async () => {
    const program = await fake(answering("say({ refused: String(process.pid), rss: 2 ** 40 })"));
    const sandbox = open({ program });
    expect(await reasonOf(sandbox, "html", page)).not.toBe(await reasonOf(sandbox, "html", page));
  });

  test("says of no file what is not the file's fault", async () => {
    const sandbox = open({ program: await fake("process.exit(1);") });
    await expect(read(sandbox, "html", page)).rejects.toThrow("could not be started");
    await expect(read(sandbox, "html", page)).rejects.not.toBeInstanceOf(NotReadable);
    const full = open({ program: await fake(answering("")), waiting: 1, timeMs: 300 });
    const waiting = [reasonOf(full, "html", page), reasonOf(full, "html", page)];
    await expect(read(full, "html", page)).rejects.toThrow("Too many files wait");
    expect(await Promise.all(waiting)).toEqual(Array(2).fill("It took longer than 0.3 s to read."));
    const stopping = open({ program: await fake(answering("")) });
    const ends = [read(stopping, "html", page), read(stopping, "html", page)].map((reading) =>
      expect(reading).rejects.toThrow("The sandbox has been stopped."),
    );
    await stopping.stop();
    await Promise.all(ends);
    await expect(read(stopping, "html", page)).rejects.toThrow("The sandbox has been stopped.");
  });

  test("ends its process when it is idle, and keeps nobody from ending", async () => {
    const sandbox = open({ idleMs: 50 });
    await expectUsable(sandbox);
    await expect.poll(() => process.getActiveResourcesInfo().includes("ProcessWrap"), { timeout: 5_000 }).toBe(false);
    await expectUsable(sandbox);
    const script = `import { createSandbox } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "sandbox.ts")).href)};
      const [{ title }] = await createSandbox().read({ path: "a.html", format: "html", bytes: Buffer.from("<title>Pumps</title>x") });
      console.log(title);`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
    expect(stdout).toBe("Pumps\n");
  });
});

describe("a reader", () => {
  test("has no environment, and can open no file and start no program", async () => {
    const tries = `
      const why = async (act) => { try { await act(); return "done"; } catch (error) { return error.code; } };
      const fs = await import("node:fs"); const { spawnSync } = await import("node:child_process");
      const tried = [await why(() => fs.readFileSync(${JSON.stringify(join(folder, "secret.txt"))})), await why(() => fs.readdirSync("/")),
        await why(() => fs.writeFileSync(${JSON.stringify(join(folder, "new.txt"))}, "x")), await why(() => spawnSync("true"))];
      say({ refused: JSON.stringify([Object.keys(process.env), tried]), rss: 1 });`;
    await writeFile(join(folder, "secret.txt"), "x");
    const answer = await reasonOf(open({ program: await fake(answering(tries)) }), "html", page);
    expect(JSON.parse(answer)).toEqual([[], Array(4).fill("ERR_ACCESS_DENIED")]);
  });

  test("can load nothing that reaches the network", async () => {
    const script = `import { createRequire } from "node:module";
      import { confine } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "confine.ts")).href)};
      confine();
      const why = async (act) => { try { await act(); return "done"; } catch { return "refused"; } };
      const require = createRequire("file:///x.js");
      console.log(JSON.stringify([typeof fetch, typeof WebSocket, await why(() => import("node:net")), await why(() => import("https")), await why(() => require("dns")),
        await why(() => process.getBuiltinModule("node:tls")), await why(() => process.binding("tcp_wrap")), await why(() => import("node:zlib"))]));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual(["undefined", "undefined", ...Array(5).fill("refused"), "done"]);
  });
});
