import type { Flow, Labels, Resource, Turn } from "@portcullis/contracts";
import type { FlowNote } from "../audit/record.ts";
import type { Allow } from "../policy/verdict.ts";
import type { Caller, Origin } from "./arrival.ts";
import { nextId } from "./next-id.ts";
import type { Parts } from "./parts.ts";
import type { Justification } from "./read-trace.ts";

/** What is known of a call so far: each stage adds to it, and the audit's record is written from it. */
export interface Facts {
  /** The audit id. */
  readonly id: string;
  readonly kind: "call" | "method" | "refused" | "event" | "stream";
  readonly at: number;
  readonly startedAt: bigint;
  readonly origin: Origin;
  /** The tool's or method's name: as the caller sent it, until it is known. */
  name: string;
  args?: unknown;
  readonly bytesIn?: number;
  caller?: Caller | undefined;
  justification?: Justification;
  turn?: Turn;
  labels?: Labels;
  /** What the line of work had seen before and has after, and the rule that stopped the call. */
  flow?: FlowNote;
  /** What the caller is told of its line of work. */
  toldFlow?: Flow;
  /** Where the content of the answer came from that others can write. */
  untrusted?: readonly string[];
  /** Items that were left out of the answer because its line of work may not see them. */
  leftOut?: number;
  /** Places that were not asked, because what the line of work has seen may not go there. */
  unasked?: ReadonlySet<string>;
  resources?: readonly Resource[];
  policy?: string;
  verdicts?: readonly Allow[];
  /** The consent request of a denied call, or the grants that allowed it. */
  consent?: string;
  masked?: Readonly<Record<string, number>>;
  /** Called once the record is written, or could not be: what follows the answer begins then, or never. */
  settled?: (recorded: boolean) => void;
}

export function openFacts(
  parts: Parts,
  origin: Origin,
  what: Pick<Facts, "kind" | "name" | "args" | "bytesIn">,
): Facts {
  const at = parts.now();
  return { id: nextId(at), at, startedAt: parts.ticks(), origin, ...what };
}

/** A name as a caller sent it, fit for a record. */
export const toName = (name: unknown): string => (typeof name === "string" ? name.slice(0, 128) : "");
