import type { Origin } from "./arrival.ts";
import type { Facts } from "./facts.ts";

/** Tells whoever follows traces of each call that has ended. Never waits, never throws, and drops what nobody takes. */
export interface Spans {
  /** `tool` is a tool's name, or `unknown`; `code` is "ok" or a refusal's code. */
  end(facts: Traced, what: Ended): void;
}

export interface Ended {
  readonly tool: string;
  readonly code: string;
  readonly durationUs: number;
}

export type Traced = Pick<Facts, "id" | "kind" | "at" | "justification" | "masked"> & {
  readonly origin: Pick<Origin, "door">;
};
