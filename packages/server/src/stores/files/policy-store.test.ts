import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPolicyFolder, PolicyFolderError } from "./policy-store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "policies-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string | Uint8Array): void => writeFileSync(join(folder, name), text);

describe("reading", () => {
  test("gives the policy files by name, and no other files", async () => {
    for (const name of ["b.yml", "a.yaml", ".a.yaml.swp", ".hidden.yaml", "notes.md", "c.yaml~"]) put(name, name);
    mkdirSync(join(folder, "sub"));
    expect(await createPolicyFolder(folder).read()).toEqual([
      { path: join(folder, "a.yaml"), text: "a.yaml" },
      { path: join(folder, "b.yml"), text: "b.yml" },
    ]);
  });

  test.each<[string, () => void, RegExp]>([
    ["a folder that is not there", () => rmSync(folder, { recursive: true }), /nothing there/],
    ["a file that is not UTF-8", () => put("a.yaml", Uint8Array.of(0x61, 0xff)), /not UTF-8/],
    ["a file that is too long", () => put("a.yaml", "x".repeat(1_048_577)), /1048576 bytes/],
    ["a folder named like a policy", () => mkdirSync(join(folder, "a.yaml")), /regular file/],
    ["a FIFO", () => execFileSync("mkfifo", [join(folder, "a.yaml")]), /regular file/],
    ["a link that leads nowhere", () => symlinkSync("nowhere", join(folder, "a.yaml")), /nothing there/],
    ["a link in a circle", () => symlinkSync("a.yaml", join(folder, "a.yaml")), /circles/],
  ])("rejects %s, and says so", async (_, prepare, message) => {
    prepare();
    const failed = await createPolicyFolder(folder)
      .read()
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(PolicyFolderError);
    expect(failed).toMatchObject({ message: expect.stringMatching(message) });
  });
});

describe("watching", () => {
  /** Resolves with the time until the next report, or rejects after a second. */
  async function watched(act: (step: (change: () => void) => Promise<void>) => Promise<void>): Promise<void> {
    let report: (() => void) | undefined;
    const stop = await createPolicyFolder(folder).watch(() => report?.());
    const step = async (change: () => void): Promise<void> => {
      const reported = new Promise<true>((resolve) => {
        report = () => resolve(true);
      });
      change();
      expect(await Promise.race([reported, setTimeout(1_000, false)])).toBe(true);
    };
    try {
      await act(step);
    } finally {
      await stop();
    }
  }

  test("tells of each kind of change within a second, the folder's going and coming back too", () =>
    watched(async (step) => {
      await step(() => put("a.yaml", "1"));
      await step(() => put("a.yaml", "2"));
      await step(() => {
        put(".a.tmp", "3");
        renameSync(join(folder, ".a.tmp"), join(folder, "a.yaml"));
      });
      await step(() => rmSync(join(folder, "a.yaml")));
      await step(() => rmSync(folder, { recursive: true }));
      await step(() => {
        mkdirSync(folder);
        put("a.yaml", "4");
      });
    }));

  test("tells of a file that is reached through a link", async () => {
    mkdirSync(join(folder, "v1"));
    mkdirSync(join(folder, "v2"));
    put("v1/p", "1");
    put("v2/p", "2");
    symlinkSync("v1", join(folder, "current"));
    symlinkSync("current/p", join(folder, "a.yaml"));
    await watched((step) =>
      step(() => {
        symlinkSync("v2", join(folder, "next"));
        renameSync(join(folder, "next"), join(folder, "current"));
      }),
    );
  });

  test("is silent when nothing changes and after its end", async () => {
    put("a.yaml", "1");
    let reports = 0;
    const stop = await createPolicyFolder(folder).watch(() => reports++);
    put("notes.md", "x");
    await setTimeout(600);
    await stop();
    put("a.yaml", "2");
    await setTimeout(400);
    expect(reports).toBe(0);
  });
});
