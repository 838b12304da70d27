import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leanFlags } from "../../packages/server/src/cli/lean-process.ts";
import { enterMcp, stdioTransport } from "../support/doors.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, runPortcullis, startServer, stopServer, type World } from "../support/world.ts";

let world: World;
let base: string;

beforeAll(async () => {
  world = await openWorld();
  base = mkdtempSync(join(tmpdir(), "portcullis-start-"));
});
afterAll(async () => {
  await world?.close();
  rmSync(base, { recursive: true, force: true });
});

const env = { PATH: process.env.PATH, HOME: tmpdir() };
const serve = (...args: string[]) => runPortcullis(["serve", ...args], env);

describe("starting", () => {
  verifiesOnce("A1.owner", async () => {
    expect(world.ownerToken).toMatch(/^pcl_[\w-]{43}$/);
    await world.restart();
    expect(world.listening.ownerToken).toBeUndefined();
    expect(readFileSync(join(world.data, "state.db")).includes(world.ownerToken)).toBe(false);
    expect(statSync(world.data).mode & 0o077).toBe(0);
    const { stdout } = await world.run("token", "list", "--json");
    expect(stdout).toContain('"owner"');
    expect(stdout).not.toContain(world.ownerToken);
  });

  test("the server is itself with a small heap, under the id that it was started with", (context) => {
    if (process.platform !== "linux") return context.skip("Only Linux tells a process's arguments under /proc.");
    const [, ...args] = readFileSync(`/proc/${world.server.pid}/cmdline`, "utf8").split("\0");
    expect(args.slice(0, leanFlags.length)).toEqual([...leanFlags]);
    expect(readFileSync(`/proc/${world.server.pid}/environ`, "utf8")).toContain("MALLOC_ARENA_MAX=2");
  });

  verifiesOnce("A3.loopback", async () => {
    const refused = await serve(world.folder, "--data", join(base, "a"), "--host", "0.0.0.0", "--port", "0");
    expect(refused.status).toBe(78);
    expect(refused.stderr).toMatch(/behindProxy|loopback/);
  });

  verifiesOnce("O2.bad-start", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const port = String((taken.address() as AddressInfo).port);
    const cases = [
      [69, /port/i, [world.folder, "--data", join(base, "b"), "--port", port]],
      [66, /no-such-folder/, [join(base, "no-such-folder"), "--data", join(base, "c"), "--port", "0"]],
      [66, /not a folder/, [join(world.folder, "todo.md"), "--data", join(base, "d"), "--port", "0"]],
      [75, /pid \d+/, [world.folder, "--data", world.data, "--port", "0"]],
      [73, /data folder/i, [world.folder, "--data", "/proc/portcullis", "--port", "0"]],
      [64, /colour/, [world.folder, "--colour", "blue"]],
      [78, /port/, [world.folder, "--data", join(base, "e"), "--port", "eighty"]],
    ] as const;
    for (const [status, says, args] of cases) {
      const ended = await serve(...args);
      expect(ended.status, `${args.join(" ")}: ${ended.stderr}`).toBe(status);
      expect(ended.stderr).toMatch(says);
      expect(ended.stderr).not.toMatch(/\n\s+at .*\.js/);
    }
    taken.close();
    expect((await fetch(`${world.listening.http}/v1/health`)).status).toBe(200);
  });

  verifiesOnce("O3.settings", async () => {
    const [data, folder] = [join(base, "settings"), join(base, "papers")];
    mkdirSync(folder);
    writeFileSync(join(folder, "a.md"), "The code is ZEBRA-99.\n");
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const port = String((free.address() as AddressInfo).port);
    await new Promise((resolve) => free.close(resolve));

    const settings = { ...env, ALLOWED_DIR: folder, REDACT_PATTERNS: "ZEBRA-\\d+", PORTCULLIS_DATA: data, PORT: port };
    const { server, listening } = await startServer(["--port", port], settings);
    expect(new URL(listening.http).port).toBe(port);
    const client = await connect({ url: listening.websocket, token: listening.ownerToken ?? "" });
    const read = await client.request("tools.call", {
      name: "fs.readFile",
      args: { path: "papers/a.md" },
      trace: { purpose: "see" },
    });
    expect(JSON.stringify(read)).toContain("[redacted:");
    expect(JSON.stringify(read)).not.toContain("ZEBRA-99");
    await client.close();
    await stopServer(server, "SIGTERM");

    const stdio = await new Promise<string>((resolve) => {
      const child = execFile(
        process.execPath,
        [main],
        { env: { ...settings, MCP_TRANSPORT: "stdio" }, timeout: 15_000 },
        (_error, stdout) => resolve(stdout),
      );
      child.stdin?.end(
        `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } } })}\n`,
      );
    });
    expect(JSON.parse(stdio.split("\n")[0] ?? "")).toMatchObject({ id: 1, result: { protocolVersion: "2025-06-18" } });

    writeFileSync(join(data, "portcullis.yaml"), "limits:\n  turnCals: 3\n");
    const unknown = await runPortcullis(["serve"], settings);
    expect([unknown.status, unknown.stderr]).toEqual([78, expect.stringMatching(/portcullis\.yaml:2:\d+.*turnCals/)]);
    for (const [name, value] of [
      ["REDACT_PATTERNS", "(?=x)y"],
      ["REDACT_PATTERNS", "a.*?b|a"],
      ["PORTCULLIS_HTTP_PRIVATE_HOSTS", "nas"],
    ] as const) {
      const bad = await runPortcullis(["serve", "--config", "/dev/null"], { ...settings, [name]: value });
      expect([bad.status, bad.stderr], value).toEqual([78, expect.not.stringContaining("unexpected fault")]);
    }
    const badVariable = await runPortcullis(["serve", "--config", "/dev/null"], {
      ...settings,
      PORTCULLIS_LIMITS_TURN_CALLS: "many",
    });
    expect([badVariable.status, badVariable.stderr]).toEqual([
      78,
      expect.stringContaining("PORTCULLIS_LIMITS_TURN_CALLS"),
    ]);
  });

  verifiesOnce("O4.stop", async () => {
    const client = await connect({ url: world.listening.websocket, token: world.ownerToken, reconnect: false });
    const calls = Array.from({ length: 10 }, () =>
      client.request("tools.call", { name: "search", args: { query: "plants" }, trace: { purpose: "stop" } }),
    );
    await calls[0];
    const started = performance.now();
    await world.restart("SIGTERM");
    expect(performance.now() - started).toBeLessThan(10_000);
    const answered = (await Promise.allSettled(calls)).filter(({ status }) => status === "fulfilled");
    expect(answered.length).toBeGreaterThan(0);
    expect((await world.run("audit", "verify")).status).toBe(0);
    await client.close();
  });

  verifiesOnce("O2.cli", async () => {
    const token = await world.run("token", "create", "cli", "--subject", "owner", "--expires", "1h", "--json");
    expect(JSON.parse(token.stdout)).toMatchObject({ token: expect.stringMatching(/^pcl_/), subject: "owner" });
    expect((await world.run("token", "create", "cli", "--subject", "owner")).status).toBe(1);
    expect((await world.run("token", "revoke", "cli", "--json")).status).toBe(0);
    expect((await world.run("token", "revoke", "cli")).status).toBe(1);
    expect((await world.run("token", "melt")).status).toBe(64);
    expect((await world.run("policy", "check", "--json")).status).toBe(0);
    const search = await world.run("search", "plants", "--json");
    expect(JSON.parse(search.stdout).results[0]).toMatchObject({ id: "notes/todo.md" });
    expect((await world.run("search", "plants")).stdout).toContain("notes/todo.md");
    const tail = (await world.run("audit", "tail", "--lines", "2", "--json")).stdout.trim().split("\n");
    expect(tail.map((line) => JSON.parse(line).tool)).toContain("search");
    expect((await world.run("audit", "verify", "--json")).status).toBe(0);
    const doctor = await world.run("doctor", "--json");
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
    expect((await runPortcullis(["--help"], env)).stdout).toMatch(/serve[\s\S]*doctor/);
    expect((await runPortcullis(["nonsense"], env)).status).toBe(64);
    for (const command of ["serve", "stdio", "search", "token", "policy", "audit", "connect", "doctor"]) {
      const help = await runPortcullis([command, "--help"], env);
      expect([help.status, help.stdout]).toEqual([0, expect.stringContaining(`portcullis ${command}`)]);
    }
  });

  verifiesOnce("O2.connect", async () => {
    const file = join(base, "config.toml");
    writeFileSync(file, '# mine\nmodel = "x"\n');
    const printed = await world.run("connect", "codex", "--json");
    expect(JSON.parse(printed.stdout).entry).toMatch(/\[mcp_servers\.portcullis\]/);
    const wrote = JSON.parse((await world.run("connect", "codex", "--write", "--file", file, "--json")).stdout) as {
      copy: string;
    };
    expect(readFileSync(file, "utf8")).toMatch(/^# mine[\s\S]*\[mcp_servers\.portcullis\]/);
    expect(readFileSync(wrote.copy, "utf8")).toBe('# mine\nmodel = "x"\n');
    writeFileSync(file, "[broken");
    expect((await world.run("connect", "codex", "--write", "--file", file)).status).toBe(65);
    expect(readFileSync(file, "utf8")).toBe("[broken");
    const stdio = JSON.parse((await world.run("connect", "claude", "--stdio", world.folder, "--json")).stdout) as {
      entry: string;
    };
    const { command, args } = JSON.parse(stdio.entry).mcpServers.portcullis as { command: string; args: string[] };
    expect([command, args]).toEqual([expect.any(String), expect.arrayContaining(["stdio", world.folder])]);
    const guest = await enterMcp(stdioTransport(world, []));
    expect((await guest.tools()).length).toBeGreaterThan(0);
    await guest.close();
  });
});
