/**
 * Appends to a log while its disk is made to fail, and prints what becomes of each record: "ok SEQ ID", or "refused MS ID". Arguments:
 * folder, durability, how many records, how many at once.
 */
import { writeSync } from "node:fs";
import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { openAuditLog } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { toDraft } from "./writers.ts";

const [folder = "", durability = "process", count = "200", width = "8"] = process.argv.slice(2);
const log = openAuditLog(folder, { durability: durability === "power" ? "power" : "process", boot: "fault" });
let made = 0;

async function append(): Promise<void> {
  while (made < Number(count)) {
    const id = `f-${made++}`;
    const began = performance.now();
    try {
      const { seq } = await log.append(sealRecord(toDraft(id, { args: { text: "x".repeat(400) } })));
      writeSync(1, `ok ${seq} ${id}\n`);
    } catch {
      writeSync(1, `refused ${(performance.now() - began).toFixed(1)} ${id}\n`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

await Promise.all(Array.from({ length: Number(width) }, append));
writeSync(1, `fault ${log.fault() ?? "none"}\n`);
await Promise.race([log.close(), new Promise((resolve) => setTimeout(resolve, 3_000))]);
process.exit(0);
