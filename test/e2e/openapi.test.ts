import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, runPortcullis, type World } from "../support/world.ts";

const example = join(import.meta.dirname, "..", "..", "examples", "bridge");
const key = "bridge-key-5d81c07a3f";
let bridge: ChildProcess;
let at: string;
let world: World;

/** The example's own files, with the place where its bridge is here. */
const file = (name: string): string =>
  readFileSync(join(example, name), "utf8").replaceAll("http://127.0.0.1:7080", at);

beforeAll(async () => {
  bridge = spawn(process.execPath, [join(example, "server.ts"), join(example, "library"), "0"], {
    env: { PATH: process.env.PATH, BRIDGE_KEY: key },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await new Promise<string[]>((resolve, reject) => {
    bridge.once("exit", (code) => reject(new Error(`The bridge ended with ${code}.`)));
    if (bridge.stdout) createInterface(bridge.stdout).once("line", (said) => resolve([said]));
  });
  at = /http:\S+/.exec(line ?? "")?.[0] ?? "";
  world = await openWorld({
    policies: {
      "bridge.yaml": file("policy.yaml"),
      "crow.yaml": `subject: "crow@home"\nscopes:\n  - { tool: fs.readFile, allow: ["FOLDER/**"] }\n  - { tool: [search, fetch, "bridge.*"], allow: ["${at}/v1/**"] }\n`,
      "goose.yaml": `subject: "goose@home"\nscopes:\n  - { tool: bridge.files, allow: ["${at}/v1/files?path=mill.txt"] }\n`,
    },
    prepare({ base, data }) {
      mkdirSync(data, { recursive: true });
      const kept = join(base, "bridge-key");
      writeFileSync(kept, `${key}\n`);
      const document = join(example, "openapi.yaml");
      const settings = file("portcullis.yaml")
        .replace(/document: .*/, `document: ${document}`)
        .replace("env: BRIDGE_KEY", `file: ${kept}`);
      writeFileSync(join(data, "portcullis.yaml"), `limits: { turnCalls: 1000 }\n${settings}`);
    },
  });
});
afterAll(async () => {
  await world?.close();
  bridge?.kill();
});

verifies("D8.mounted", async (door) => {
  await asGuest(world, { door, subject: "duck@home" }, async (guest) => {
    const names = (await guest.tools()).map(({ name }) => name.replace(/^bridge_/, "bridge."));
    expect(names).toEqual(expect.arrayContaining(["bridge.files", "bridge.search", "bridge.leaveNote"]));
    const answer = await guest.call("bridge.search", { q: "rye & quinces" });
    const origin = `${at}/v1/search?q=rye%20%26%20quinces`;
    expect(answer).toMatchObject({ ok: true, result: { origin, untrusted: true, status: 200 } });
    expect(answer.result.data.results.map(({ path }: { path: string }) => path)).toEqual(["mill.txt", "orchard.txt"]);
    const [record] = (await world.audit()).filter(({ id, kind }) => id === answer.auditId && kind === "call");
    expect(record).toMatchObject({ tool: "bridge.search", resources: [origin], outcome: "ok" });
  });
});

verifiesOnce("D8.judged", async () => {
  await asGuest(world, { door: "http", subject: "goose@home" }, async (guest) => {
    expect((await guest.tools()).map(({ name }) => name).filter((name) => /^bridge/.test(name))).toHaveLength(1);
    const mill = await guest.call("bridge.files", { path: "mill.txt" });
    expect(mill).toMatchObject({ ok: true, untrusted: [`web:${new URL(at).host}`] });
    expect(mill.result.data.content).toContain("rye in October");
    for (const args of [{ path: "orchard.txt" }, {}, { path: "mill.txt", cursor: "2" }])
      expect(await guest.call("bridge.files", args), JSON.stringify(args)).toMatchObject({ code: "PERMISSION_DENIED" });
  });
});

verifiesOnce("D8.checked", async () => {
  await asGuest(world, { door: "mcp-http", subject: "duck@home" }, async (guest) => {
    for (const args of [{}, { q: 7 }, { q: "" }, { q: "a", more: "b" }, { q: "x".repeat(300) }])
      expect(await guest.call("bridge.search", args), JSON.stringify(args)).toMatchObject({ code: "VALIDATION_ERROR" });
    const missing = await guest.call("bridge.files", { path: "../server.ts" });
    expect(missing).toMatchObject({ ok: false, code: "UPSTREAM", details: { status: 404 } });
    expect(missing.message).toContain("there is no such file");
    expect(JSON.stringify(missing)).not.toContain(key);
  });
});

verifiesOnce("D8.acting", async () => {
  await asGuest(world, { door: "websocket", subject: "duck@home" }, async (guest) => {
    const tool = (await guest.tools()).find(({ name }) => name === "bridge.leaveNote");
    expect(tool?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true, openWorldHint: true });
    expect((await guest.call("bridge.files")).ok).toBe(true);
    // What came from the bridge before are strangers' words, so that the owner is asked first.
    const answer = await guest.call("bridge.leaveNote", { body: { text: "More rye, please." } });
    expect(answer).toMatchObject({ ok: false, code: "FLOW_BLOCKED" });
  });
  // One that has read nothing yet may leave a note.
  world.policy(
    "swan.yaml",
    `subject: "swan@home"\nscopes:\n  - { tool: bridge.leaveNote, allow: ["${at}/v1/notes"], methods: [POST] }\n`,
  );
  await asGuest(world, { door: "websocket", subject: "swan@home" }, async (guest) => {
    await eventually(20_000, async () =>
      expect((await guest.tools()).map(({ name }) => name)).toContain("bridge.leaveNote"),
    );
    expect(await guest.call("bridge.leaveNote", { body: { text: 7 } })).toMatchObject({ code: "VALIDATION_ERROR" });
    const left = await guest.call("bridge.leaveNote", { body: { text: "More rye, please." } });
    expect(left).toMatchObject({ ok: true, result: { status: 201, data: { notes: 1 } } });
  });
  // A wildcard reaches nothing that changes something.
  expect(
    (await world.run("policy", "explain", "duck@home", "bridge.other", `${at}/v1/notes`, "--method", "POST")).status,
  ).toBe(1);
});

verifiesOnce("D8.search", async () => {
  await asGuest(world, { door: "mcp-http-legacy", subject: "duck@home" }, async (guest) => {
    const found = await guest.call("search", { query: "quinces" });
    const ids = found.result.results.map(({ id }: { id: string }) => id);
    expect(ids).toContain("bridge/orchard.txt");
    const read = await guest.call("fetch", { id: "bridge/orchard.txt" });
    expect(read).toMatchObject({ ok: true, result: { id: "bridge/orchard.txt", title: "orchard.txt" } });
    expect(read.result.text).toContain("Quinces ripen last");
    expect(await guest.call("fetch", { id: "bridge/none.txt" })).toMatchObject({ ok: false });
  });
  await asGuest(world, { door: "http", subject: "goose@home" }, async (guest) => {
    expect(await guest.call("fetch", { id: "bridge/orchard.txt" })).toMatchObject({
      ok: false,
      code: "PERMISSION_DENIED",
    });
  });
});

verifiesOnce("D8.leaves", async () => {
  await asGuest(world, { door: "http", subject: "crow@home" }, async (guest) => {
    expect(await guest.call("fs.readFile", { path: join(world.folder, "todo.md") })).toMatchObject({ ok: true });
    expect(await guest.call("bridge.search", { q: "plants" })).toMatchObject({ ok: false, code: "FLOW_BLOCKED" });
    const found = await guest.call("search", { query: "quinces" });
    expect(JSON.stringify(found.result ?? found)).not.toContain("bridge/orchard.txt");
    expect(await guest.call("fetch", { id: "bridge/orchard.txt" })).toMatchObject({ ok: false, code: "FLOW_BLOCKED" });
  });
});

verifiesOnce("D8.pages", async () => {
  await asGuest(world, { door: "websocket", subject: "duck@home" }, async (guest) => {
    const first = await guest.call("bridge.files");
    expect(first.result).toMatchObject({ data: { files: ["lighthouse.txt", "mill.txt"] }, next: "2" });
    const both = await guest.call("bridge.files", { pages: 5 });
    expect(both.result.more).toEqual([{ origin: `${at}/v1/files?cursor=2`, data: { files: ["orchard.txt"] } }]);
    expect(both.result.next).toBeUndefined();
    expect(await guest.call("bridge.files", { pages: 6 })).toMatchObject({ code: "VALIDATION_ERROR" });
  });
});

verifiesOnce("D8.faults", async () => {
  const asked: string[] = [];
  const remote = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => remote.listen(0, "127.0.0.1", resolve));
  const { port } = remote.address() as AddressInfo;
  const document = join(world.base, "bad.yaml");
  const text = readFileSync(join(example, "openapi.yaml"), "utf8");
  writeFileSync(
    document,
    text.replace("#/components/schemas/Results", `http://127.0.0.1:${port}/schemas.json#/Results`),
  );
  const settings = join(world.base, "bad-settings.yaml");
  writeFileSync(settings, `sources:\n  - { kind: openapi, name: bad, document: ${document}, operations: ["*"] }\n`);
  const ran = await runPortcullis(
    ["serve", world.folder, "--config", settings, "--port", "0", "--data", join(world.base, "other")],
    { PATH: process.env.PATH, HOME: world.base },
  );
  remote.close();
  expect(ran.status).toBe(78);
  expect(ran.stderr).toMatch(
    /sources, bad, .*bad\.yaml: At #\/paths.* the document refers to .*never fetched\. Bundle/,
  );
  expect(asked).toEqual([]);
});
