import type { Permit, Progress } from "../adapters/adapter.ts";
import type { Arrival, Caller } from "./arrival.ts";
import type { Run } from "./in-flight.ts";
import type { Parts } from "./parts.ts";
import type { ValidCall } from "./validate.ts";

interface By {
  readonly caller: Caller;
  readonly permit: Permit;
  readonly arrival: Arrival;
}

const ignore = (): void => {};

/** Runs the tool: the only place that does, and only with a permit. */
export const dispatch = (parts: Parts, { tool, input }: ValidCall, by: By): Promise<unknown> =>
  parts.inFlight.run(toRun(parts, by), (signal) =>
    tool.run(input, {
      permit: by.permit,
      signal,
      progress: by.arrival.progress ? toReport(parts, by.arrival) : ignore,
    }),
  );

/** Progress told more often than this (ms) helps nobody. */
const reportEvery = 100;

/** Passes progress on, scrubbed as everything that leaves. */
function toReport(parts: Parts, arrival: Arrival): (progress: Progress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return ({ done, total, message }) => {
    const now = performance.now();
    if (now - last < reportEvery && done !== total) return;
    last = now;
    const said = message === undefined ? undefined : parts.redactor.scrubText(message).value;
    arrival.progress?.({ done, ...(total !== undefined && { total }), ...(said !== undefined && { message: said }) });
  };
}

const toRun = (parts: Parts, { caller, arrival }: By): Run => ({
  grant: caller.grant,
  withdrawn: arrival.signal,
  watch: (ended) => parts.vigil.watch(arrival.credential, ended),
});
