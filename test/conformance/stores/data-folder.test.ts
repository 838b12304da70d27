import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acquireDataFolder, DataFolderError, readHolder } from "../../../packages/server/src/stores/data-folder.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import { atEnd, makeFolder } from "./engines.ts";

const module = join(import.meta.dirname, "../../../packages/server/src/stores/data-folder.ts");
const holding = `
  const { acquireDataFolder } = await import(process.argv[1]);
  acquireDataFolder(process.argv[2]).announce("http://127.0.0.1:8088");
  console.log("held");
  setInterval(() => {}, 1000);`;

async function holdElsewhere(folder: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", holding, module, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

const refusal = (folder: string): DataFolderError => {
  try {
    acquireDataFolder(folder).release();
  } catch (error) {
    if (error instanceof DataFolderError) return error;
    throw error;
  }
  throw new Error("The folder was not refused.");
};

test("a second server on a data folder is told who holds it", async () => {
  const folder = makeFolder();
  const child = await holdElsewhere(folder);
  const { reason, message } = refusal(folder);
  expect(reason).toBe("in-use");
  expect(message).toContain(`pid ${child.pid}, http://127.0.0.1:8088, since 20`);
  expect(message).toContain("--data");
});

test("the lock ends with its process, however that ends", async () => {
  const folder = makeFolder();
  const child = await holdElsewhere(folder);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(readHolder(folder)).toMatchObject({ pid: child.pid });
  using held = acquireDataFolder(folder);
  expect(readHolder(folder)).toEqual({ pid: process.pid, since: expect.any(String) });
  held.announce("http://127.0.0.1:1");
  expect(readHolder(folder)).toMatchObject({ url: "http://127.0.0.1:1" });
});

test("within one process too a folder is held once, and free when it was released", () => {
  const folder = makeFolder();
  const held = acquireDataFolder(folder);
  expect(refusal(folder).reason).toBe("in-use");
  held.release();
  held.release();
  expect(readHolder(folder)).toBeUndefined();
  acquireDataFolder(folder).release();
});

test("a command opens the databases of a folder that a server holds", async () => {
  const folder = makeFolder();
  await holdElsewhere(folder);
  using state = openState(folder);
  expect(await state.tokens.list()).toEqual([]);
});

test("a folder that is a file, below a file or not to be written is refused with its reason", () => {
  const folder = makeFolder();
  const path = join(folder, "file");
  writeFileSync(path, "text");
  expect(refusal(path)).toMatchObject({ reason: "not-a-folder" });
  expect(readFileSync(path, "utf8")).toBe("text");
  expect(refusal(join(path, "data"))).toMatchObject({ reason: "not-writable" });
  expect(refusal("/proc/portcullis")).toMatchObject({ reason: "not-writable" });
});
