import { verifyOwn } from "../../../packages/server/src/cli/audit-verify.ts";
import { openAuditLogForReading } from "../../../packages/server/src/stores/sqlite/audit-log.ts";
import { type Acknowledged, startWriter, toAcknowledged } from "./writers.ts";

/** Kills a writing process again and again; every record that it had acknowledged has to be there. */
export async function killWriters(folder: string, kills: number): Promise<readonly string[]> {
  const acknowledged: Acknowledged[] = [];
  let writingMs = 0;
  for (let round = 0; round < kills; round++) {
    const { child, ended } = startWriter([folder, `round-${round}`, "0", "process"]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    const ms = 60 + (round % 10) * 15;
    writingMs += ms;
    await new Promise((resolve) => setTimeout(resolve, ms));
    child.kill("SIGKILL");
    acknowledged.push(...toAcknowledged((await ended).out));
  }
  const log = openAuditLogForReading(folder);
  try {
    const kept = new Map<number, string>();
    for (let seq = 0; ; ) {
      const records = await log.read(seq, 1_000);
      for (const record of records) kept.set(record.seq, record.hash);
      const last = records.at(-1);
      if (!last) break;
      seq = last.seq;
    }
    const missing = acknowledged.filter(({ seq, hash }) => kept.get(seq) !== hash).length;
    const { status, fault } = await verifyOwn(folder, log);
    const rate = Math.round((acknowledged.length / writingMs) * 1_000);
    return [
      `${missing > 0 || status !== "ok" ? "FAILED " : ""}kill -9: ${missing} of ${acknowledged.length} acknowledged records missing after ${kills} kills; audit ${status}${fault ? ` (${fault.message})` : ""}; ${rate} acknowledgements/s`,
    ];
  } finally {
    await log.close();
  }
}
