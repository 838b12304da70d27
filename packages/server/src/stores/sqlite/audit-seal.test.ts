import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sealRecord } from "../../audit/record.ts";
import { openAuditLog } from "./audit-log.ts";
import { sealAway, signNow } from "./audit-seal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-seal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = "2026-01-01T00:00:00.000Z";

/** Two stretches of five records, each under a checkpoint, and one record more. */
async function write(): Promise<void> {
  for (const count of [5, 5, 1]) {
    const log = openAuditLog(folder, { durability: "process", boot: "boot" });
    for (let n = 0; n < count; n++)
      await log.append(sealRecord({ kind: "call", id: `id-${n}`, at, boot: "boot", outcome: "ok" }));
    await log.close();
    if (count === 5) signNow(folder, []);
  }
}

test("only whole stretches that others have are sealed, where others are to have them", async () => {
  await write();
  const sealing = { before: Date.now(), archive: undefined };
  expect(await sealAway(folder, { ...sealing, upTo: 0 })).toBeUndefined();
  expect(await sealAway(folder, { ...sealing, upTo: 4 })).toBeUndefined();
  expect(await sealAway(folder, { ...sealing, upTo: 9 })).toMatchObject({ first: 1, last: 5 });
  expect(await sealAway(folder, sealing)).toMatchObject({ first: 6, last: 10 });
});
