import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { parseRecord, sealRecord } from "../../../packages/server/src/audit/record.ts";
import { verifyChain } from "../../../packages/server/src/audit/verify.ts";
import { readAuditHead } from "../../../packages/server/src/stores/sqlite/audit-head.ts";
import { openAuditLog, openAuditLogForReading } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import type { AuditLog } from "../../../packages/server/src/stores/store.ts";
import { atEnd, makeFolder, toDraft } from "./engines.ts";

const appender = join(import.meta.dirname, "appender.ts");

interface Run {
  readonly child: ChildProcess;
  /** What it printed, once it has ended. */
  readonly printed: Promise<{ readonly out: string; readonly err: string; readonly code: number | null }>;
}

function start(args: readonly string[], before = ""): Run {
  const child = before
    ? spawn("sh", ["-c", `${before}; exec "$@"`, "sh", process.execPath, appender, ...args])
    : spawn(process.execPath, [appender, ...args]);
  atEnd(() => child.kill("SIGKILL"));
  const printed = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(
    ([out, err, [code]]) => ({ out, err, code: code as number | null }),
  );
  return { child, printed };
}

const toAcknowledged = (out: string) =>
  out
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [seq, hash, id] = line.split(" ");
      return { seq: Number(seq), hash, id };
    });

async function expectKept(log: AuditLog, out: string): Promise<void> {
  const lost: string[] = [];
  for (const { seq, hash, id } of toAcknowledged(out)) {
    const [record] = await log.read(seq - 1, 1);
    if (record?.seq !== seq || record.hash !== hash || parseRecord(record.body).id !== id) lost.push(`${seq} ${id}`);
  }
  expect(lost).toEqual([]);
}

test("four processes append to one log, and the chain is whole", async () => {
  const folder = makeFolder();
  const runs = ["a", "b", "c", "d"].map((name) => start([folder, name, "300"]));
  const ended = await Promise.all(runs.map(({ printed }) => printed));
  expect(ended.map(({ err, code }) => ({ err, code }))).toEqual(ended.map(() => ({ err: "", code: 0 })));
  const expected = readAuditHead(folder);
  const log = openAuditLogForReading(folder);
  atEnd(() => log.close());
  expect(await verifyChain(log, { expected })).toMatchObject({ status: "ok", records: 1_200 });
  for (const { out } of ended) {
    expect(toAcknowledged(out)).toHaveLength(300);
    await expectKept(log, out);
  }
});

test("a log is read and verified by another process while it is written", async () => {
  const folder = makeFolder();
  const writer = openAuditLog(folder);
  atEnd(() => writer.close());
  await writer.append(sealRecord(toDraft("a")));
  const reader = openAuditLogForReading(folder);
  atEnd(() => reader.close());
  const second = await writer.append(sealRecord(toDraft("b")));
  expect(await reader.head()).toEqual(second);
  expect(await reader.find("b")).toEqual([second]);
  await expect(reader.append(sealRecord(toDraft("c")))).rejects.toThrow("for reading");

  const { child, printed } = start([folder, "child"]);
  for (let round = 0; round < 10; round++) {
    const expected = readAuditHead(folder);
    expect(await verifyChain(reader, { expected })).toMatchObject({ status: "ok" });
    await writer.append(sealRecord(toDraft(`round-${round}`)));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGKILL");
  await printed;
});

test.each(["process", "power"])("kill -9 loses no acknowledged record (durability: %s)", async (durability) => {
  const folder = makeFolder();
  for (let round = 0; round < 3; round++) {
    const { child, printed } = start([folder, `round-${round}`, "0", durability]);
    await once(child.stdout as NonNullable<typeof child.stdout>, "data");
    await new Promise((resolve) => setTimeout(resolve, 50 + round * 40));
    child.kill("SIGKILL");
    const { out } = await printed;
    const expected = readAuditHead(folder);
    const log = openAuditLogForReading(folder);
    expect(toAcknowledged(out).length).toBeGreaterThan(0);
    await expectKept(log, out);
    expect(await verifyChain(log, { expected })).toMatchObject({ status: "ok" });
    await log.close();
  }
});

test("a disk that takes no more bytes ends the log, and every acknowledged record is there", async () => {
  const folder = makeFolder();
  // 512-byte blocks for a POSIX shell: no file may grow beyond 400 kB.
  const { out, err, code } = await start([folder, "child"], "ulimit -f 800").printed;
  expect(code).toBe(1);
  expect(err).toContain("Nothing is recorded any more");
  const log = openAuditLogForReading(folder);
  atEnd(() => log.close());
  expect(toAcknowledged(out).length).toBeGreaterThan(50);
  await expectKept(log, out);
  expect(await verifyChain(log)).toMatchObject({ status: "ok" });
});
