import { CallError, type Resource } from "@portcullis/contracts";
import type { ValidCall } from "./validate.ts";

/** Turns arguments into the canonical resources that policy judges. A call that touches nothing cannot be judged and is refused. */
export async function resolve({ tool, input }: ValidCall): Promise<readonly Resource[]> {
  const resources = await tool.touches(input);
  if (resources.length === 0) {
    throw new CallError(
      "PERMISSION_DENIED",
      `This call of ${tool.name} touches no resource, so no policy can allow it.`,
      {
        details: { scope: null, reason: "no_resource", resource: null, smallestScope: null },
      },
    );
  }
  return resources;
}
