import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineAway } from "../stores/engine.ts";
import type { PublishedPolicy } from "../stores/published-policy.ts";
import { createSharedPolicy } from "./policy-cache.ts";

const set = [{ path: "owner.yaml", text: "subject: duck@home\n" }];
let folder: string;
let isAway: boolean;
let version: number;
let now: number;

const store: PublishedPolicy = {
  async read() {
    if (isAway) throw new EngineAway("PostgreSQL", "it is a test");
    return set;
  },
  async version() {
    if (isAway) throw new EngineAway("PostgreSQL", "it is a test");
    return version;
  },
  publish: async () => 0,
  seed: async () => false,
};
const open = (maxAgeMs = 60_000) =>
  createSharedPolicy({ store, path: join(folder, "cache.json"), maxAgeMs, now: () => now });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-policy-"));
  [isAway, version, now] = [false, 1, Date.now()];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a replica begins with what its disk has while the database is away, and says so", async () => {
  await open().read();
  isAway = true;
  const policies = open();
  expect(await policies.read()).toEqual(set);
  expect(policies.warning()).toContain("this replica's disk");
  expect(policies.refusal()).toBeUndefined();
  isAway = false;
  await policies.read();
  expect(policies.warning()).toBeUndefined();
});

test("what is older than the owner allows is refused, whichever way the clock was turned", async () => {
  await open().read();
  isAway = true;
  for (const by of [61_000, -61_000]) {
    now = Date.now() + by;
    await expect(open().read()).rejects.toThrow("60 s are allowed");
  }
});

test("with nothing on the disk, or what is damaged there, no policy is made up", async () => {
  isAway = true;
  await expect(open().read()).rejects.toThrow("nothing was cached");
  isAway = false;
  await open().read();
  isAway = true;
  const path = join(folder, "cache.json");
  writeFileSync(path, readFileSync(path, "utf8").replace("duck", "fox"));
  await expect(open().read()).rejects.toThrow("damaged");
});

test("a server that runs refuses once the database has not confirmed its policies for too long", async () => {
  const policies = open(300);
  await policies.read();
  const end = await policies.watch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(policies.refusal()).toBeUndefined();
  isAway = true;
  await expect.poll(() => policies.refusal(), { timeout: 5_000 }).toContain("0.3 s");
  isAway = false;
  await expect.poll(() => policies.refusal(), { timeout: 5_000 }).toBeUndefined();
  await end();
});

test("a new version is told once, and a fault of the store's is no policy of the disk's", async () => {
  const policies = open();
  await policies.read();
  let told = 0;
  const end = await policies.watch(() => told++);
  version = 2;
  await expect.poll(() => told, { timeout: 5_000 }).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(told).toBe(1);
  await end();
  const broken = { ...store, read: () => Promise.reject(new Error("a fault of ours")) };
  const other = createSharedPolicy({
    store: broken,
    path: join(folder, "cache.json"),
    maxAgeMs: 60_000,
    now: () => now,
  });
  await expect(other.read()).rejects.toThrow("ours");
});
