import type { Permit } from "../adapters/adapter.ts";
import type { Arrival, Caller } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import type { ValidCall } from "./validate.ts";

const ignore = (): void => {};

/** Runs the tool: the only place that does, and only with a permit. */
export const dispatch = (
  parts: Parts,
  { tool, input }: ValidCall,
  by: { readonly caller: Caller; readonly permit: Permit; readonly arrival: Arrival },
): Promise<unknown> =>
  parts.inFlight.run(by.caller.grant, by.arrival.signal, (signal) =>
    tool.run(input, {
      permit: by.permit,
      signal,
      progress: by.arrival.progress ? (progress) => by.arrival.progress?.(progress) : ignore,
    }),
  );
