import { CallError } from "@portcullis/contracts";

export type JobState = "running" | "done" | "failed";

/** Work that goes on after its call has been answered, by its number. */
export interface Jobs {
  /** Begins it; a call that would be one too many is refused. */
  run(job: string, subject: string, work: () => Promise<void>): void;
  /** Undefined for one that is not known (any more), or is another subject's. */
  stateOf(job: string, subject: string): JobState | undefined;
}

const mostRunning = 64;
/** So many are remembered, the latest. */
const mostKept = 1_000;

export function createJobs(fault: (message: string, error: unknown) => void): Jobs {
  const jobs = new Map<string, { readonly subject: string; state: JobState }>();
  let running = 0;
  return {
    run(job, subject, work) {
      if (running >= mostRunning) {
        throw new CallError("UNAVAILABLE", `${running} texts are being added already.`, {
          details: { retryAfterMs: 1_000, next: "Try again in a second." },
        });
      }
      running++;
      const kept = { subject, state: "running" as JobState };
      jobs.set(job, kept);
      const [oldest] = jobs.keys();
      if (jobs.size > mostKept && oldest !== undefined) jobs.delete(oldest);
      work()
        .then(
          () => {
            kept.state = "done";
          },
          (error: unknown) => {
            kept.state = "failed";
            fault("A text could not be added to the index.", error);
          },
        )
        .finally(() => running--);
    },
    stateOf(job, subject) {
      const known = jobs.get(job);
      return known?.subject === subject ? known.state : undefined;
    },
  };
}
