import { CallError } from "@portcullis/contracts";
import type { Caller, Sink } from "./arrival.ts";
import { identify } from "./authenticate.ts";
import { isLooking, readRecord } from "./console-records.ts";
import type { Asked } from "./methods.ts";
import type { Parts } from "./parts.ts";

/** How often it is looked for new records, in ms, and how many are told at once: what comes faster is counted. */
const lookMs = 250;
const mostAtOnce = 200;
const mostFollowers = 16;

const followers = new WeakMap<Parts, Set<Sink>>();

/**
 * Tells the owner of each new record, as `console.records`, from now on until the connection ends or its login does. What comes faster than it can be shown is
 * told as a number, by `console.missed`.
 */
export async function followAudit({ parts, request }: Asked, _caller: Caller): Promise<{ readonly seq: number }> {
  const { sink, credential } = request;
  if (!sink) throw new CallError("INVALID_PARAMS", "Records can be followed on a connection that stays open only.");
  const open = followers.get(parts) ?? new Set();
  followers.set(parts, open);
  if (open.size >= mostFollowers)
    throw new CallError("RATE_LIMITED", "Too many consoles are open.", { details: { retryAfterMs: 5_000 } });
  open.add(sink);
  const seq = (await parts.audit.head())?.seq ?? 0;
  const end = (why?: string): void => {
    if (!open.delete(sink)) return;
    unwatch();
    clearTimeout(timer);
    if (why !== undefined) sink.send({ method: "console.ended", params: { reason: why } });
  };
  const unwatch = parts.vigil.watch(credential, () => end("This login has ended."));
  let last = seq;
  const look = async (): Promise<void> => {
    await sink.ready();
    const head = (await parts.audit.head())?.seq ?? last;
    if (head - last > mostAtOnce) {
      sink.send({ method: "console.missed", params: { count: head - last - mostAtOnce } });
      last = head - mostAtOnce;
    }
    if (head > last) {
      const read = await parts.audit.read(last, mostAtOnce);
      last = read.at(-1)?.seq ?? last;
      const records = read.map(readRecord).filter((record) => record !== undefined && !isLooking(record));
      if (records.length > 0 && open.has(sink)) sink.send({ method: "console.records", params: { records } });
    }
  };
  const next = (): void => {
    if (!open.has(sink)) return;
    look().then(
      () => {
        if (open.has(sink)) timer = setTimeout(next, lookMs);
      },
      () => end("The audit cannot be read."),
    );
  };
  let timer = setTimeout(next, lookMs);
  sink.gone.addEventListener("abort", () => end(), { once: true });
  if (sink.gone.aborted) end();
  if (!(await identify(parts, credential))?.owner) end("This login has ended.");
  return { seq };
}
