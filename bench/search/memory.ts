import { readdirSync, readFileSync } from "node:fs";

/** Resident memory of a process and of all that it has begun, in bytes, as Linux counts it. */
export function residentOf(pid: number): number {
  try {
    const pages = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
    );
    return children.reduce((sum, child) => sum + residentOf(child), Number(pages ?? 0) * 1_024);
  } catch (error) {
    // It has ended meanwhile, or a thread of it.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return 0;
    throw error;
  }
}

/** The most memory that a process has while something goes on, looked at every 20 ms. */
export async function peakDuring<T>(
  pid: number,
  work: Promise<T>,
): Promise<{ readonly result: T; readonly peak: number }> {
  let peak = residentOf(pid);
  const timer = setInterval(() => {
    peak = Math.max(peak, residentOf(pid));
  }, 20);
  try {
    const result = await work;
    return { result, peak };
  } finally {
    clearInterval(timer);
  }
}
