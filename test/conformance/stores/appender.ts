/**
 * A process of its own that appends to a data folder's audit log and prints "seq hash id" for each record once it is acknowledged.
 * Arguments: folder, name, how many records (0: until it is ended), durability.
 */
import { sealRecord } from "../../../packages/server/src/audit/record.ts";
import { openAuditLog } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { printNow } from "../../support/print-now.ts";

const [folder = "", name = "", count = "0", durability = "process"] = process.argv.slice(2);
const log = openAuditLog(folder, { durability: durability === "power" ? "power" : "process", boot: name });
const wanted = Number(count) || Number.POSITIVE_INFINITY;
let made = 0;

async function append(): Promise<void> {
  while (made < wanted) {
    const id = `${name}-${made++}`;
    const draft = {
      kind: "call",
      id,
      at: new Date().toISOString(),
      boot: name,
      args: { text: "x".repeat(400) },
      outcome: "ok",
    } as const;
    const { seq, hash } = await log.append(sealRecord(draft));
    printNow(`${seq} ${hash} ${id}`);
  }
}

try {
  await Promise.all(Array.from({ length: 16 }, append));
  await log.close();
} catch (error) {
  printNow(`${log.fault()}\n${error instanceof Error ? error.message : error}`, 2);
  process.exitCode = 1;
}
