import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { missingClients, runCodexAt } from "../support/clients.ts";
import { createScriptedResponses } from "../support/models/scripted-responses.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, type Ran, runPortcullis, type World } from "../support/world.ts";

const missing = missingClients();
if (missing) console.warn(`A real Codex is skipped: ${missing}`);

let home: string;
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-home-")));
  mkdirSync(join(home, "notes"));
  writeFileSync(join(home, "notes", "plants.md"), "# Plants\n\nWater the ferns.\n");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const environment = (more: Readonly<Record<string, string>> = {}) => ({ PATH: process.env.PATH, HOME: home, ...more });
const portcullis = (...args: readonly string[]): Promise<Ran> => runPortcullis(args, environment());

/** Runs a command with these lines on its input. */
function answer(args: readonly string[], input: string): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    env: environment(),
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 30_000,
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (piece: string) => {
      text[name] += piece;
    });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ status: code ?? -1, ...text })));
}

describe("portcullis init", { timeout: 120_000 }, () => {
  verifiesOnce("O2.init", async () => {
    const data = join(home, "asked");
    // Half the answers, and a no: nothing is written.
    for (const input of ["~/notes\n", "~/notes\ncodex\nstdio\nno\n"]) {
      const stopped = await answer(["init", "--data", data], input);
      expect(stopped.status).not.toBe(0);
      expect(stopped.stderr).toMatch(/Nothing was written/);
      expect(existsSync(data)).toBe(false);
      expect(existsSync(join(home, ".codex"))).toBe(false);
    }
    const done = await answer(["init", "--data", data, "--json"], "~/notes\ngemini\nhttp\nyes\n");
    expect(done.status, done.stderr).toBe(0);
    const said = JSON.parse(done.stdout);
    expect(said).toMatchObject({
      client: "gemini",
      connected: true,
      subject: "gemini@local",
      ownerToken: expect.stringMatching(/^pcl_/),
    });
    expect(said.steps.at(-1)).toMatchObject({ what: "search", state: "good" });
    const token = join(data, "clients", "gemini.token");
    expect(statSync(token).mode & 0o077).toBe(0);
    // Again, it finds all of it done, and shows no token of the owner's twice.
    const before = readFileSync(token, "utf8");
    const again = await portcullis("init", "--client", "gemini", "--way", "http", "--yes", "--data", data, "--json");
    expect(JSON.parse(again.stdout)).not.toHaveProperty("ownerToken");
    expect(readFileSync(token, "utf8")).toBe(before);
    // A client whose call fails has its file as it was.
    const settings = join(home, ".gemini", "settings.json");
    writeFileSync(settings, '{"theme":"mine"}');
    writeFileSync(join(data, "policies", "gemini.yaml"), "subject: gemini@local\nscopes: []\n");
    const failed = await portcullis("init", "--client", "gemini", "--yes", "--data", data);
    expect(failed.status).toBe(1);
    expect(failed.stdout).toContain("None: no policy gives this subject any.");
    expect(readFileSync(settings, "utf8")).toBe('{"theme":"mine"}');
  });

  verifiesOnce("K3.check", async () => {
    const data = join(home, "checked");
    mkdirSync(join(home, ".cursor"));
    const file = join(home, ".cursor", "mcp.json");
    const mine = { mcpServers: { portcullis: { command: "mine" }, other: { command: "x" } } };
    writeFileSync(file, JSON.stringify(mine));
    const nothing = await portcullis("connect", "claude", "--check", "--data", data);
    expect(nothing).toMatchObject({ status: 1, stdout: expect.stringContaining("--write") });
    const written = await portcullis(
      "connect",
      "cursor",
      join(home, "notes"),
      "--stdio",
      "--write",
      "--check",
      "--data",
      data,
    );
    expect(written.status, written.stderr).toBe(0);
    expect(written.stdout).toMatch(/✓ {2}search/);
    const back = await portcullis("connect", "cursor", "--undo", "--data", data);
    expect(back.status, back.stderr).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(mine);
    // What it did not write, it does not take away.
    expect(await portcullis("connect", "cursor", "--undo", "--data", data)).toMatchObject({ status: 1 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(mine);
    // Over HTTP, to nobody, and without its token.
    await portcullis("connect", "claude", "--write", "--url", "http://127.0.0.1:65431/mcp", "--data", data);
    const unset = await portcullis("connect", "claude", "--check", "--data", data);
    expect(unset).toMatchObject({ status: 1, stdout: expect.stringContaining("PORTCULLIS_TOKEN") });
    const gone = await runPortcullis(
      ["connect", "claude", "--check", "--data", data],
      environment({ PORTCULLIS_TOKEN: "pcl_x" }),
    );
    expect(gone).toMatchObject({ status: 1, stdout: expect.stringMatching(/✗ {2}connection/) });
    // Of a server that runs, its own address; of one that is gone, the configured one.
    mkdirSync(data, { recursive: true });
    const runs = (pid: number) =>
      writeFileSync(
        join(data, "server.json"),
        JSON.stringify({ pid, url: "http://127.0.0.1:65432", since: "2026-01-01T00:00:00Z" }),
      );
    runs(process.pid);
    expect((await portcullis("connect", "codex", "--data", data)).stdout).toContain("http://127.0.0.1:65432/mcp");
    // No process has this number.
    runs(2 ** 22 + 1);
    expect((await portcullis("connect", "codex", "--data", data)).stdout).toContain("http://127.0.0.1:8088/mcp");
  });

  verifiesOnce("K3.chatgpt", async () => {
    const world: World = await openWorld({
      settings: "profile: chatgpt\n",
      files: { "plants.md": "# Plants\n\nWater the ferns.\n" },
    });
    try {
      const check = (...more: readonly string[]) => [
        "connect",
        "chatgpt",
        "--url",
        world.listening.http,
        "--check",
        ...more,
        "--json",
        "--data",
        world.data,
      ];
      const env = { ...environment(), PORTCULLIS_TOKEN: await world.token("owner") };
      await expect
        .poll(async () => JSON.parse((await runPortcullis(check("--query", "ferns"), env)).stdout).steps.at(-1), {
          timeout: 20_000,
        })
        .toEqual({ what: "fetch", state: "good", says: "read notes/plants.md" });
      const { steps } = JSON.parse((await runPortcullis(check("--query", "ferns"), env)).stdout);
      expect(steps.map(({ what, state }: { what: string; state: string }) => `${what}: ${state}`)).toEqual([
        ...["url: weak", "protected resource: good", "authorization server: good", "login: good"],
        ...["connection: good", "tools: good", "profile: good", "search: good", "fetch: good"],
      ]);
      // A server that is something else altogether.
      const wrong = await runPortcullis(
        ["connect", "chatgpt", "--url", "http://127.0.0.1:65431", "--check", "--data", world.data],
        environment(),
      );
      expect(wrong).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/✗ {2}protected resource.*\n.*✗ {2}login/),
      });
    } finally {
      await world.close();
    }
  });
});

describe.skipIf(missing !== undefined)("init and a real client", { timeout: 240_000 }, () => {
  verifiesOnce("O2.init-codex", async () => {
    const began = performance.now();
    const made = await portcullis(
      "init",
      "--folder",
      join(home, "notes"),
      "--client",
      "codex",
      "--yes",
      "--data",
      join(home, "real"),
    );
    expect(made.status, made.stderr).toBe(0);
    const model = await createScriptedResponses([
      { tool: /__search$/, args: { query: "ferns", purpose: "to plan the week" } },
      { says: "The ferns want water." },
    ]);
    try {
      const ran = await runCodexAt(home, model.url);
      expect(ran.status, `${ran.stdout}\n${ran.stderr}`).toBe(0);
      expect(model.results()[0]).toContain("notes/plants.md");
      console.log(`init to an answer in a real Codex: ${Math.round(performance.now() - began)} ms`);
    } finally {
      await model.close();
    }
  });
});
