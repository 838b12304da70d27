import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { verifyOwn } from "../../../packages/server/src/cli/audit-verify.ts";
import { openAuditLog, openAuditLogForReading } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { toDraft } from "./writers.ts";

const many = 200_000;

async function append(folder: string, count: number, durability: "process" | "power"): Promise<number> {
  const log = openAuditLog(folder, { durability, boot: durability });
  await log.append(sealRecord(toDraft("first")));
  let left = count;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) await log.append(sealRecord(toDraft(`id-${left}`)));
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  const took = performance.now() - began;
  await log.close();
  return Math.round((count / took) * 1_000);
}

/** Appends by 64 writers at once, and the verification of what they wrote. */
export async function measureSpeed(folder: string): Promise<readonly string[]> {
  const rate = await append(folder, many, "process");
  const power = await append(`${folder}-power`, 10_000, "power");
  const log = openAuditLogForReading(folder);
  const began = performance.now();
  const { records, status } = await verifyOwn(folder, log);
  const verified = Math.round((records / (performance.now() - began)) * 1_000);
  await log.close();
  return [
    `${rate < 5_000 ? "FAILED " : ""}appends with group commit: ${rate}/s of ${many} (durability: process), ${power}/s of 10000 (durability: power); aim 5000`,
    `${verified < 100_000 || status !== "ok" ? "FAILED " : ""}verify: ${verified} records/s of ${records}, chain, Merkle tree and checkpoints; ${status}; aim 100000`,
  ];
}
