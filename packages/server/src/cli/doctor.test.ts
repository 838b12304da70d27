import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Invocation } from "./command.ts";
import { findFaults, mend } from "./doctor-faults.ts";
import { createOutput } from "./output.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "portcullis-doctor-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const invocation = (): Invocation => ({
  values: {},
  positionals: [],
  output: createOutput(false),
  env: {},
  data: join(base, "data"),
});

test("what is missing is made, for its owner alone, and nothing is left to mend", () => {
  expect(findFaults(invocation()).map(({ what }) => what)).toEqual(["data folder"]);
  expect(mend(invocation())).toHaveLength(2);
  expect(statSync(join(base, "data")).mode & 0o077).toBe(0);
  expect(statSync(join(base, "data", "policies", "owner.yaml")).mode & 0o077).toBe(0);
  expect(findFaults(invocation())).toEqual([]);
});

test("policies that the replicas share need no folder here", () => {
  mkdirSync(join(base, "data"), { mode: 0o700 });
  expect(findFaults(invocation()).map(({ what }) => what)).toEqual(["policies"]);
  const stores = { key: "a secret of thirty-two characters, at least", policy: "postgres://127.0.0.1/portcullis" };
  writeFileSync(join(base, "data", "portcullis.yaml"), JSON.stringify({ stores }), { mode: 0o600 });
  expect(findFaults(invocation())).toEqual([]);
});

test("files with secrets that others may read are closed, and the note of a server that is gone is taken away", () => {
  mend(invocation());
  const { data } = invocation();
  writeFileSync(join(data, "state.db"), "");
  chmodSync(data, 0o755);
  chmodSync(join(data, "state.db"), 0o644);
  // No process has this number.
  writeFileSync(join(data, "server.json"), JSON.stringify({ pid: 2 ** 22 + 1, since: "2026-01-01T00:00:00Z" }));
  expect(findFaults(invocation()).map(({ what, bad }) => [what, bad])).toEqual([
    ["rights", true],
    ["server", false],
  ]);
  mend(invocation());
  expect(statSync(join(data, "state.db")).mode & 0o777).toBe(0o600);
  expect(existsSync(join(data, "server.json"))).toBe(false);
  expect(findFaults(invocation())).toEqual([]);
});

test("the note of a server that runs stays", () => {
  mend(invocation());
  writeFileSync(
    join(invocation().data, "server.json"),
    JSON.stringify({ pid: process.pid, since: "2026-01-01T00:00:00Z" }),
  );
  expect(findFaults(invocation())).toEqual([]);
});
