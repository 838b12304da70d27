import type { Permit } from "../adapters/adapter.ts";
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
      progress: by.arrival.progress ? (progress) => by.arrival.progress?.(progress) : ignore,
    }),
  );

const toRun = (parts: Parts, { caller, arrival }: By): Run => ({
  grant: caller.grant,
  withdrawn: arrival.signal,
  watch: (ended) => parts.vigil.watch(arrival.credential, ended),
});
