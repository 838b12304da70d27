import type { ServerResponse } from "node:http";
import type { Caller, Credential, Origin } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";

/** Ends a response that stays open, as soon as the login that it was opened with has ended. */
export function endWithLogin(corridor: Corridor, credential: Credential, response: ServerResponse): void {
  const unwatch = corridor.watch(credential, () => endStream(response));
  response.once("close", unwatch);
}

/** Ends a stream for a client that may have no more of it: what it has not taken is dropped. */
export function endStream(response: ServerResponse): void {
  if (response.writableLength > 0) response.destroy();
  else response.end();
}

export interface Enrolment {
  readonly origin: Origin;
  readonly caller: Caller;
  /** Ends what was enrolled, when its grant has ended or the owner says so. */
  readonly end: () => void;
}

/** Lists an MCP session among the owner's sessions. The answer takes it off the list again. */
export async function enrol(corridor: Corridor, { origin, caller, end }: Enrolment): Promise<() => void> {
  const credential = await corridor.enrol(origin, caller);
  const unwatch = corridor.watch(credential, end);
  return () => {
    unwatch();
    // What cannot be removed ends by itself.
    corridor.leave(credential).catch(() => {});
  };
}
