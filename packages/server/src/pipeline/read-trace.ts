import type { Trace } from "@portcullis/contracts";
import { CallError, Trace as TraceSchema } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Arrival } from "./arrival.ts";
import { toFaults } from "./registry.ts";

const accepts = new Ajv2020().compile<Trace>(TraceSchema);

/** The caller's justification, with the purpose that counts: the stated one, else the client's default. */
export interface Justification {
  readonly trace: Trace;
  readonly purpose: { readonly text?: string; readonly stated: boolean };
}

/** Reads the trace; a malformed one is refused, since a purpose that cannot be read was not stated. */
export function readTrace(arrival: Pick<Arrival, "trace" | "defaultPurpose">): Justification {
  const trace = arrival.trace ?? {};
  if (!accepts(trace)) {
    throw new CallError("VALIDATION_ERROR", "The call's trace does not fit its schema.", {
      details: { at: "trace", errors: toFaults(accepts.errors) },
    });
  }
  const stated = trace.purpose?.trim();
  if (stated) return { trace, purpose: { text: stated, stated: true } };
  return {
    trace,
    purpose: arrival.defaultPurpose ? { text: arrival.defaultPurpose, stated: false } : { stated: false },
  };
}
