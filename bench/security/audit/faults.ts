import { execFileSync, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseRecord, sealRecord } from "../../../packages/server/src/audit/record.ts";
import { openAuditLog, openAuditLogForReading } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { hasStrace, toDraft } from "./writers.ts";

const writer = join(import.meta.dirname, "fault-writer.ts");
const aimMs = 300;
let runs = 0;

interface Case {
  readonly name: string;
  readonly durability: "process" | "power";
  /** What strace does to the system calls of all threads, from the 60th on. */
  readonly inject: string;
}

const cases: readonly Case[] = [
  { name: "EIO at fsync", durability: "power", inject: "fsync,fdatasync:error=EIO:when=60+" },
  { name: "EIO at write", durability: "process", inject: "pwrite64:error=EIO:when=200+" },
  { name: "ENOSPC at write", durability: "process", inject: "pwrite64:error=ENOSPC:when=200+" },
  { name: "slow sync (2 s)", durability: "power", inject: "fsync,fdatasync:delay_exit=2000000:when=60+" },
  { name: "slow sync (2 s)", durability: "process", inject: "fsync,fdatasync:delay_exit=2000000:when=4+" },
];

/** Makes the disk fail under a writing process: what was told to be recorded is, and the rest is refused in time. */
export async function measureFaults(base: string): Promise<readonly string[]> {
  mkdirSync(base, { recursive: true });
  const lines: string[] = [];
  if (hasStrace()) {
    for (const [index, { name, durability, inject }] of cases.entries()) {
      const folder = join(base, `case-${index}`);
      const strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        `trace=${inject.split(":")[0]}`,
        "-e",
        `inject=${inject}`,
      ];
      const out = await run(strace, [folder, durability, "2000", "8"]);
      lines.push(
        await judge(
          `${name}, durability: ${durability}`,
          folder,
          out,
          durability === "power" || !name.startsWith("slow"),
        ),
      );
    }
  } else lines.push("faults of system calls: not measured, there is no strace");
  lines.push(...(await onSmallDisk(join(base, "small"))));
  lines.push(await whileLocked(join(base, "locked")), await fullQueue(join(base, "queue")));
  return lines;
}

async function run(before: readonly string[], args: readonly string[]): Promise<string> {
  const [command = process.execPath, ...rest] = [...before, process.execPath, writer, ...args];
  // A file takes every line as it is written, also from a process that is killed.
  const path = join(tmpdir(), `portcullis-faults-${process.pid}-${runs++}`);
  const file = openSync(path, "w");
  const child = spawn(command, rest, { stdio: ["ignore", file, "inherit"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  closeSync(file);
  const out = readFileSync(path, "utf8");
  rmSync(path);
  return out;
}

async function judge(name: string, folder: string, out: string, refuses: boolean): Promise<string> {
  const lines = out.split("\n").filter(Boolean);
  const told = lines.flatMap((line) => /^ok (\d+) (\S+)$/.exec(line)?.slice(1) ?? []);
  const waits = lines.flatMap((line) => /^refused ([\d.]+) /.exec(line)?.[1] ?? []).map(Number);
  const ids = new Map<number, string>();
  const log = openAuditLogForReading(folder);
  try {
    for (const { seq, body } of await log.read(0, 100_000)) ids.set(seq, parseRecord(body).id);
  } finally {
    await log.close();
  }
  let [all, missing] = [0, 0];
  for (let index = 0; index < told.length; index += 2) {
    all += 1;
    if (ids.get(Number(told[index])) !== told[index + 1]) missing += 1;
  }
  const longest = Math.max(0, ...waits);
  const bad =
    missing > 0 ||
    longest > aimMs ||
    (refuses && waits.length === 0) ||
    !lines.some((line) => line.startsWith("fault"));
  return `${bad ? "FAILED " : ""}${name}: ${missing} of ${all} acknowledged records missing; ${waits.length} refused, the slowest after ${longest.toFixed(0)} ms (aim ${aimMs})`;
}

/** A disk of 1 MiB that fills up, and one that becomes read-only: with the right to mount. */
async function onSmallDisk(place: string): Promise<readonly string[]> {
  mkdirSync(place, { recursive: true });
  const mount = (...args: string[]): boolean => spawnSync("mount", args).status === 0;
  if (!mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", place))
    return ["full and read-only disks: not measured, this user may not mount"];
  try {
    const full = await judge("disk of 1 MiB full", place, await run([], [place, "process", "3000", "8"]), true);
    execFileSync("umount", [place]);
    mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", place);
    const running = run([], [place, "process", "20000", "8"]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    // Files that are open for writing keep a file system from becoming read-only, but for being forced (MNT_FORCE has no such effect on tmpfs).
    const readOnly = spawnSync("mount", ["-o", "remount,ro", place]).status === 0;
    const out = await running;
    return [
      full,
      readOnly
        ? await judge("disk made read-only", place, out, true)
        : "disk made read-only: the system refused to, while the log was open",
    ];
  } finally {
    spawnSync("umount", ["-l", place]);
  }
}

/** Another process holds the database: refusals come in time, and the event loop goes on. */
async function whileLocked(folder: string): Promise<string> {
  const log = openAuditLog(folder, { boot: "locked" });
  await log.append(sealRecord(toDraft("first")));
  const other = new DatabaseSync(join(folder, "audit.db"));
  other.exec("BEGIN IMMEDIATE");
  let [stall, last] = [0, performance.now()];
  const ticker = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last - 5);
    last = now;
  }, 5);
  const waits: number[] = [];
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const began = performance.now();
        await log.append(sealRecord(toDraft(`l-${n}`))).catch(() => waits.push(performance.now() - began));
      }),
    );
  }
  clearInterval(ticker);
  other.close();
  await log.close();
  const longest = Math.max(0, ...waits);
  return `${waits.length < 250 || longest > aimMs ? "FAILED " : ""}lock held by another process: ${waits.length} of 250 refused, the slowest after ${longest.toFixed(0)} ms (aim ${aimMs}); the event loop stood for at most ${stall.toFixed(0)} ms`;
}

/** More at once than may wait: what is beyond is refused at once. */
async function fullQueue(folder: string): Promise<string> {
  const log = openAuditLog(folder, { boot: "queue" });
  await log.append(sealRecord(toDraft("first")));
  const other = new DatabaseSync(join(folder, "audit.db"));
  other.exec("BEGIN IMMEDIATE");
  const waits: number[] = [];
  let kept = 0;
  await Promise.all(
    Array.from({ length: 5_000 }, async (_, n) => {
      const began = performance.now();
      await log.append(sealRecord(toDraft(`q-${n}`))).then(
        () => kept++,
        () => waits.push(performance.now() - began),
      );
    }),
  );
  other.close();
  await log.close();
  const longest = Math.max(0, ...waits);
  return `${kept > 0 || longest > aimMs ? "FAILED " : ""}full queue: ${waits.length} of 5000 refused, the slowest after ${longest.toFixed(0)} ms (aim ${aimMs}), ${kept} told to be recorded`;
}
