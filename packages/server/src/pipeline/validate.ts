import { CallError } from "@portcullis/contracts";
import type { Arrival } from "./arrival.ts";
import type { Parts } from "./parts.ts";
import { type RegisteredTool, toFaults } from "./registry.ts";

/** A call whose tool exists and whose arguments its schema accepts. */
export interface ValidCall extends RegisteredTool {
  readonly input: unknown;
}

/** Finds the tool and checks the arguments against its input schema. */
export function validate(parts: Parts, arrival: Arrival): ValidCall {
  const { name } = arrival;
  if (typeof name !== "string" || name === "")
    throw new CallError("VALIDATION_ERROR", "The call names no tool.", { details: { at: "name" } });
  const found = parts.registry.find(name);
  if (!found) {
    const nearest = parts.registry.nearest(name);
    const shown = JSON.stringify(name.slice(0, 64));
    throw new CallError("NOT_FOUND", `There is no tool named ${shown}${nearest ? `; did you mean ${nearest}?` : "."}`, {
      details: {
        tool: name.slice(0, 64),
        ...(nearest && { nearest }),
        next: "tools.list shows the tools that this token may call.",
      },
    });
  }
  const input = arrival.args ?? {};
  if (!found.accepts(input)) {
    const errors = toFaults(found.accepts.errors);
    const first = found.accepts.errors?.[0];
    const place = first?.instancePath ? `args${first.instancePath.replaceAll("/", ".")}` : "args";
    throw new CallError(
      "VALIDATION_ERROR",
      `The arguments of ${name} do not fit: ${place} ${first?.message ?? "is wrong"}.`,
      {
        details: { at: "args", tool: name, errors },
      },
    );
  }
  return { ...found, input };
}
