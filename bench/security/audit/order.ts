import { readFileSync } from "node:fs";
import { hasStrace, startWriter } from "./writers.ts";

/** With durability for the power, no record may be acknowledged before a sync of the WAL that began after it was written there. */
export async function measureOrder(folder: string): Promise<readonly string[]> {
  if (!hasStrace()) return ["order of sync and acknowledgement: not measured, there is no strace"];
  const trace = `${folder}.strace`;
  const strace = ["strace", "-f", "-y", "-s", "5000", "-o", trace, "-e", "trace=write,pwrite64,fsync,fdatasync"];
  const { ended } = startWriter([folder, "order", "2000", "power"], strace);
  const { code, err } = await ended;
  if (code !== 0) return [`FAILED order: the writer ended with ${code}: ${err}`];
  const { acknowledged, early } = judge(readFileSync(trace, "latin1").split("\n"));
  return [
    `${early > 0 || acknowledged < 2_000 ? "FAILED " : ""}order: ${early} of ${acknowledged} acknowledgements came before the sync of their own record (strace, durability: power)`,
  ];
}

export function judge(lines: readonly string[]): { readonly acknowledged: number; readonly early: number } {
  const writtenAt = new Map<string, number>();
  const running = new Map<string, number>();
  /** When the newest sync that has ended had begun. */
  let syncedFrom = -1;
  let [acknowledged, early] = [0, 0];
  for (const [at, line] of lines.entries()) {
    const pid = line.slice(0, line.indexOf(" "));
    if (/ pwrite64\(\d+<[^>]*audit\.db-wal>/.test(line)) {
      for (const [, id] of line.matchAll(/\\"id\\":\\"(order-\d+)\\"/g))
        if (id !== undefined && !writtenAt.has(id)) writtenAt.set(id, at);
    } else if (/ f(data)?sync\(\d+<[^>]*audit\.db-wal>/.test(line)) {
      if (/= 0$/.test(line)) syncedFrom = Math.max(syncedFrom, at);
      else if (line.endsWith("<unfinished ...>")) running.set(pid, at);
    } else if (/<\.\.\. f(data)?sync resumed>.*= 0$/.test(line)) {
      syncedFrom = Math.max(syncedFrom, running.get(pid) ?? -1);
      running.delete(pid);
    } else {
      const [, id] = / write\(1<[^>]*>, "\d+ [0-9a-f]{64} (order-\d+)\\n"/.exec(line) ?? [];
      if (id === undefined) continue;
      acknowledged += 1;
      const written = writtenAt.get(id);
      if (written === undefined || written > syncedFrom) early += 1;
    }
  }
  return { acknowledged, early };
}
