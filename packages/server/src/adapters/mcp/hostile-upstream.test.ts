import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, afterEach, expect, test } from "vitest";
import { eventually } from "../../../../../test/support/guests.ts";
import type { Adapter, AnyTool, Permit, Tool } from "../adapter.ts";
import { createMcpAdapter } from "./mcp-adapter.ts";

const server = join(import.meta.dirname, "../../../../../test/support/upstream/hostile-server.ts");
const base = mkdtempSync(join(tmpdir(), "portcullis-upstream-"));
const open = new Set<Adapter>();
let count = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));

afterEach(async () => {
  await Promise.all([...open].map((adapter) => adapter.stop?.()));
  open.clear();
});

interface World {
  readonly adapter: Adapter;
  readonly said: string[];
  readonly file: string;
  tool(name: string): Promise<Tool<unknown, { content: { text: string }[] }>>;
  names(): readonly string[];
}

async function start(mode: string, { callMs = 5_000 } = {}): Promise<World> {
  const said: string[] = [];
  const file = join(base, `file-${++count}`);
  const adapter = createMcpAdapter({
    ...{ name: "wild", trustFirst: true, concurrent: 4, callMs, home: base },
    target: { command: process.execPath, args: [server, mode, file] },
    marks: { "*": { effect: "read" } },
    pins: { tools: join(base, `pins-${count}.json`), prompts: join(base, `prompts-${count}.json`) },
    base: { PATH: process.env.PATH ?? "", HOME: base },
    tell: (message) => void said.push(message),
  });
  open.add(adapter);
  await adapter.start?.(new AbortController().signal);
  const find = (name: string): AnyTool | undefined => adapter.tools().find((tool) => tool.name === `wild.${name}`);
  return {
    ...{ adapter, said, file },
    names: () => adapter.tools().map(({ name }) => name.slice("wild.".length)),
    async tool(name) {
      await eventually(20_000, () => expect(find(name)).toBeDefined());
      return find(name) as unknown as Tool<unknown, { content: { text: string }[] }>;
    },
  };
}

const permit = { allows: () => true } as unknown as Permit;
const run = async (
  tool: Pick<Tool<unknown, unknown>, "run">,
  signal = AbortSignal.timeout(30_000),
): Promise<string> => {
  try {
    const { content } = (await tool.run({}, { permit, signal, progress: () => {} })) as {
      content: readonly { text: string }[];
    };
    return content[0]?.text ?? "";
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
};

test.each([
  ["garbage", /^"done"$/],
  ["half", /^UPSTREAM: The connection to wild broke/],
  ["endless", /^UPSTREAM: The connection to wild broke/],
  ["deep", /^UPSTREAM: wild refuses the call: .*nested more than 64 deep/],
  ["crowd", /^UPSTREAM: wild refuses the call: .*more than 50000 values/],
  ["wrong", /^UPSTREAM: /],
  ["dying", /^UPSTREAM: The connection to wild broke/],
  ["flooding", /^UPSTREAM: The connection to wild broke/],
])(
  "a server that answers with %s is refused or borne, and what follows is served as before",
  async (mode, expected) => {
    const world = await start(mode);
    const good = await world.tool("good");
    expect(await run(good)).toMatch(expected);
    if (mode === "endless") expect(world.said.join()).toContain("a message of more than 4194304 bytes");
    // What was accepted stays on the list, and the server is there again for the next call.
    expect(world.names()).toEqual(["good"]);
    await eventually(20_000, async () => expect(await run(good)).toMatch(expected));
  },
);

test("a server that hangs holds up its own call for as long as a call may take, and is started anew after three", async () => {
  const world = await start("hanging", { callMs: 300 });
  const good = await world.tool("good");
  for (let at = 0; at < 3; at++) expect(await run(good)).toBe("TIMEOUT: wild did not answer in time.");
  await eventually(5_000, () => expect(world.said.join("\n")).toContain("3 calls in a row were not answered in time"));
  const caller = new AbortController();
  setTimeout(() => caller.abort(new Error("cancelled")), 50);
  await eventually(10_000, async () => expect(await run(good, caller.signal)).toContain("cancelled"));
});

test.each(["deaf", "gone"])("a server that is %s does not hold up the start", async (mode) => {
  const world = await start(mode);
  expect(world.names()).toEqual([]);
  if (mode === "gone") await eventually(20_000, () => expect(world.said.join()).toContain("exit status 1"));
});

test("of ten thousand tools as many are taken as are looked at, and the rest is told", async () => {
  const world = await start("many");
  await world.tool("t0");
  expect(world.names()).toHaveLength(256);
  expect(world.said.join()).toContain("offers 9744 tools more");
});

test("of tools with one name, or an endless one, the first is taken", async () => {
  const world = await start("twins");
  expect((await world.tool("good")).summary).toBe("Does it.");
  expect(world.names()).toEqual(["good"]);
});

test("schemas that are deep, huge, slow, cyclic or elsewhere take nothing away from the other tools, and hold nothing up", async () => {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const world = await start("schemas");
  await world.tool("good");
  expect(world.names()).toEqual(expect.arrayContaining(["good", "slow", "heavy", "round", "doubling"]));
  for (const refused of ["deep", "wide", "remote", "file", "long"]) {
    expect(world.names()).not.toContain(refused);
    expect(world.said.join("\n"), refused).toContain(`The tool ${refused} of wild cannot be used.`);
  }
  delay.enable();
  const accepts = async (name: string, args: unknown): Promise<unknown> => (await world.tool(name)).accepts?.(args);
  expect(await accepts("slow", { text: `${"a".repeat(50_000)}!` })).toBe(false);
  expect(await accepts("slow", { text: "aaaa" })).toBe(true);
  expect(await accepts("heavy", { text: "a".repeat(10_000) })).toBe(true);
  expect(await accepts("doubling", { a: 1 })).toBe(false);
  expect(await accepts("round", { a: 1 })).toBe(false);
  delay.disable();
  // Without RE2 and the bound on steps each of these would take longer than the world lasts.
  expect(delay.max / 1e6).toBeLessThan(2_000);
});

test("tools that change while one of them is called are held, and the call that runs ends as it began", async () => {
  const world = await start("turning");
  const good = await world.tool("good");
  expect(await run(good)).toBe('"done"');
  await eventually(10_000, () => expect(world.names()).toEqual([]));
  expect(world.said.join("\n")).toContain("wild has new or changed tools, which wait for you: good");
});

test("a server that asks for a model, for answers of the user or for folders gets none of them", async () => {
  const world = await start("asking");
  const answer = JSON.parse(await run(await world.tool("good")));
  expect(answer).toEqual([-32_601, -32_601, -32_601]);
});

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};
const pidsIn = (file: string): readonly number[] =>
  existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];

test("a server and all that it started end with us, whatever signals they ignore", async () => {
  const world = await start("forking");
  await world.tool("good");
  const pids = pidsIn(world.file);
  expect(pids).toHaveLength(4);
  expect(pids.every(lives)).toBe(true);
  await world.adapter.stop?.();
  await eventually(5_000, () => expect(pids.filter(lives)).toEqual([]));
});

test("a server and all that it started end when we are killed", async () => {
  const file = join(base, "killed");
  const parent = join(base, "parent.ts");
  writeFileSync(
    parent,
    `import { startChild } from ${JSON.stringify(join(import.meta.dirname, "child.ts"))};
startChild({ command: process.execPath, args: ${JSON.stringify([server, "forking", file])}, env: { PATH: process.env.PATH ?? "" } });
setInterval(() => {}, 1000);`,
  );
  const us = spawn(process.execPath, ["--conditions=portcullis-source", parent], { stdio: "ignore" });
  await eventually(20_000, () => expect(pidsIn(file)).toHaveLength(4));
  const pids = pidsIn(file);
  us.kill("SIGKILL");
  await eventually(10_000, () => expect(pids.filter(lives)).toEqual([]));
});
