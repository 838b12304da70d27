import type { Resource } from "@portcullis/contracts";
import type { AnyTool } from "../adapters/adapter.ts";
import { isFixed } from "./flow-marks.ts";
import type { Parts } from "./parts.ts";

/** Whether what is asked leaves this machine: by the tool, or because a prompt or a model that it touches is somebody else's. */
export const leaves = (
  parts: Parts,
  { labels }: Pick<AnyTool, "labels">,
  resources: readonly Resource[] = [],
): boolean =>
  labels.egress === true || resources.some((one) => isFixed(one) && parts.flows.sources.labelsOf(one).egress === true);
