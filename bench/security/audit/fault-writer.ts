/**
 * Appends to a log while its disk is made to fail, and prints what becomes of each record: "ok SEQ ID", or "refused MS ID". Arguments:
 * folder, durability, how many records, how many at once.
 */
import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { openAuditLog } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { printNow } from "../../../test/support/print-now.ts";
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
      printNow(`ok ${seq} ${id}`);
    } catch {
      printNow(`refused ${(performance.now() - began).toFixed(1)} ${id}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

await Promise.all(Array.from({ length: Number(width) }, append));
printNow(`fault ${log.fault() ?? "none"}`);
await Promise.race([log.close(), new Promise((resolve) => setTimeout(resolve, 3_000))]);
process.exit(0);
