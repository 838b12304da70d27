import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Question } from "./policy/verdict.ts";
import { createLivePolicy, type LivePolicy } from "./policy-reload.ts";
import { createPolicyFolder } from "./stores/files/policy-store.ts";
import type { PolicySource, PolicyStore } from "./stores/store.ts";

const compile = () => ({ home: "/home/me", served: [{ name: "vault", path: "/srv/vault" }] });
const allowing = (path: string): string => `subject: owner\nscopes:\n  - { tool: fs.readFile, allow: [${path}] }\n`;
const ask = (path: string): Question => ({
  subject: "owner",
  tool: "fs.readFile",
  effect: "read",
  resource: { kind: "path", path },
  purpose: { text: "test", stated: true },
  now: 0,
});
const may = (live: LivePolicy, path: string): boolean => live.current().decide(ask(path)).effect === "allow";

const logged: string[] = [];
const log = {
  info: (_: unknown, message: string) => void logged.push(message),
  error: (facts: Readonly<Record<string, unknown>>, message: string) =>
    void logged.push(`${message} ${JSON.stringify(facts)}`),
};

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 1_000; !condition(); ) {
    if (Date.now() > end) throw new Error("It did not come to be within a second.");
    await setTimeout(10);
  }
}

describe("with a folder", () => {
  let folder: string;
  let live: LivePolicy | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "policies-"));
    logged.length = 0;
  });
  afterEach(async () => {
    await live?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const put = (text: string): void => writeFileSync(join(folder, "p.yaml"), text);
  const open = async (): Promise<LivePolicy> => {
    live = await createLivePolicy({ store: createPolicyFolder(folder), compile, log });
    return live;
  };

  test("an edit takes effect within a second", async () => {
    put(allowing("/a"));
    const policy = await open();
    expect([may(policy, "/a"), may(policy, "/b")]).toEqual([true, false]);
    put(allowing("/b"));
    await until(() => may(policy, "/b"));
    expect(may(policy, "/a")).toBe(false);
  });

  test("a fault leaves the last good policy in force, and is told with its place until it is mended", async () => {
    put(allowing("/a"));
    const policy = await open();
    put(allowing("/b").replace("allow", "alow"));
    await until(() => policy.faults().length > 0);
    expect([may(policy, "/a"), may(policy, "/b")]).toEqual([true, false]);
    expect(policy.faults()).toMatchObject([{ path: join(folder, "p.yaml"), line: 3, suggestion: "allow" }]);
    expect(logged.at(-1)).toMatch(/last good policy stays.*p\.yaml:3:\d+: There is no key/);
    put(allowing("/b"));
    await until(() => may(policy, "/b"));
    expect(policy.faults()).toEqual([]);
  });

  test("an editor that removes a file before it writes it again opens nothing meanwhile", async () => {
    const deny = (): void =>
      writeFileSync(join(folder, "deny.yaml"), "subject: owner\nscopes:\n  - { tool: '*', deny: [/a] }\n");
    put(allowing("/**"));
    deny();
    const policy = await open();
    for (let round = 0; round < 60; round++) {
      rmSync(join(folder, "deny.yaml"));
      await setTimeout(15);
      expect(may(policy, "/a")).toBe(false);
      deny();
      await setTimeout(15);
      expect(may(policy, "/a")).toBe(false);
    }
    expect(may(policy, "/b")).toBe(true);
  });

  test("a fault at the start denies everything, and so does a folder that is not there", async () => {
    put("subject: owner\n");
    const policy = await open();
    expect(may(policy, "/a")).toBe(false);
    expect(logged.at(-1)).toMatch(/everything is denied/);
    rmSync(folder, { recursive: true });
    await until(() => /nothing there/.test(policy.faults()[0]?.message ?? ""));
    expect(policy.faults()[0]?.path).toBe(folder);
    expect(may(policy, "/a")).toBe(false);
  });

  test("a folder that goes away later leaves the policy in force", async () => {
    put(allowing("/a"));
    const policy = await open();
    rmSync(folder, { recursive: true });
    await until(() => policy.faults().length > 0);
    expect(may(policy, "/a")).toBe(true);
  });
});

describe("with a store that hesitates", () => {
  /** Each reading waits for its own answer. */
  function createStore() {
    const readings: PromiseWithResolvers<readonly PolicySource[]>[] = [];
    const store: PolicyStore = {
      read: () => {
        const reading = Promise.withResolvers<readonly PolicySource[]>();
        readings.push(reading);
        return reading.promise;
      },
      watch: () => Promise.resolve(() => Promise.resolve()),
    };
    return { store, readings };
  }
  const answer = (path: string): readonly PolicySource[] => [{ path: "p.yaml", text: allowing(path) }];

  test("many changes at once make one more reading, and the last one wins", async () => {
    const { store, readings } = createStore();
    const opening = createLivePolicy({ store, compile, log });
    await setTimeout(1);
    readings[0]?.resolve(answer("/a"));
    const live = await opening;
    const reloads = Promise.all([live.reload(), live.reload(), live.reload()]);
    readings[1]?.resolve(answer("/b"));
    await until(() => may(live, "/b"));
    expect(readings).toHaveLength(3);
    readings[2]?.resolve(answer("/c"));
    await reloads;
    expect(may(live, "/c")).toBe(true);
    await live.stop();
  });

  test("a reading that does not end is given up, and the policy stays", async () => {
    const { store, readings } = createStore();
    const opening = createLivePolicy({ store, compile, log, readMs: 30 });
    await setTimeout(1);
    readings[0]?.resolve(answer("/a"));
    const live = await opening;
    await live.reload();
    expect(live.faults()).toMatchObject([{ message: expect.stringContaining("30 ms") }]);
    expect(may(live, "/a")).toBe(true);
    await live.stop();
  });
});
