import type { Permit } from "../adapters/adapter.ts";
import type { ValidCall } from "./validate.ts";

/** Drops from the answer each item that policy hides from this caller, whatever the adapter has done about it. */
export const filter = ({ tool }: ValidCall, output: unknown, permit: Pick<Permit, "allows">): unknown =>
  tool.filter ? tool.filter(output, (resource) => permit.allows(resource)) : output;
