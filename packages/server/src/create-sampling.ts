import type { Labels } from "@portcullis/contracts";
import type { Adapter } from "./adapters/adapter.ts";
import { createSamplingAdapter, labelsOfModel } from "./adapters/sampling/sampling-adapter.ts";
import type { ReadModel } from "./config/read-sources.ts";

/** The owner's models, and what is known of where each runs. */
export function createSampling(models: readonly ReadModel[]): {
  readonly adapter: Adapter;
  readonly labels: ReadonlyMap<string, Labels>;
} {
  const adapter = createSamplingAdapter(
    models.map(({ leaves: _, clearance: __, untrusted: ___, ...model }) => ({
      ...{ maxTokens: 4_096, concurrent: 4, callMs: 50_000 },
      ...model,
    })),
  );
  const labels = new Map(
    models.map((model): [string, Labels] => {
      const { name, leaves, untrusted, clearance } = model;
      const said = { ...(untrusted !== undefined && { untrusted }), ...(clearance !== undefined && { clearance }) };
      return [name, { ...labelsOfModel(model, leaves), ...said }];
    }),
  );
  return { adapter, labels };
}
