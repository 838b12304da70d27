import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createWitness, readWitness, type WitnessOptions } from "./audit-witness.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-witness-"));
afterAll(() => rmSync(base, { recursive: true }));
const notes = ["first\n\n", "second\n\n", "third\n\n"];
const said: string[] = [];
const open = (more: Partial<WitnessOptions>) =>
  createWitness({
    folder: "",
    git: "",
    branch: "main",
    everyMs: 0,
    name: "log",
    repository: join(base, "from.git"),
    log: (message) => void said.push(message),
    ...more,
  });

test("a folder keeps every checkpoint", async () => {
  const folder = join(base, "disk", "two");
  const witness = open({ folder });
  for (const [index, note] of notes.entries()) witness.give(note, index + 1);
  await witness.close(10_000);
  expect(await readWitness(folder)).toEqual(notes);
  expect(witness.fault()).toBeUndefined();
});

test("a git repository keeps what it was given as commits, each upon the one before", async () => {
  const remote = join(base, "remote.git");
  execFileSync("git", ["init", "--bare", "--quiet", remote]);
  const witness = open({ git: remote });
  witness.give(notes[0] ?? "", 1);
  await witness.close(30_000);
  const again = open({ git: remote });
  again.give(notes[1] ?? "", 2);
  await again.close(30_000);
  expect(again.fault()).toBeUndefined();
  expect(await readWitness(remote)).toEqual([notes[1], notes[0]]);
});

test("a witness out of reach is told once, and holds up nobody", async () => {
  said.length = 0;
  const blocked = join(base, "a-file");
  writeFileSync(blocked, "");
  const witness = open({
    folder: join(blocked, "folder"),
    git: join(base, "nowhere.git"),
    repository: join(base, "x.git"),
  });
  for (let size = 1; size <= 5_000; size++) witness.give(notes[0] ?? "", size);
  await witness.close(30_000);
  expect(witness.fault()).toContain("does not take checkpoints");
  expect(said).toHaveLength(2);
  expect(readdirSync(base)).not.toContain("nowhere.git");
});

test("what is no witness cannot be read as one", async () => {
  await expect(readWitness(base)).rejects.toThrow("holds no checkpoints");
  await expect(readWitness(join(base, "nothing"))).rejects.toThrow("ENOENT");
});
