import type { Labels } from "@portcullis/contracts";
import type { CompiledScope } from "./scope.ts";
import type { Allow, Rate } from "./verdict.ts";

type Asked = Pick<CompiledScope, "ref" | "redact" | "rate" | "maxBytes" | "labels" | "hardlinks">;

/** The verdict of all scopes that allow the same: what they ask adds up, sizes take the least. */
export function combine(scopes: readonly [Asked, ...Asked[]]): Allow {
  const redact = new Set<string>();
  const rates: Rate[] = [];
  const labels: Labels[] = [];
  let maxBytes = Infinity;
  for (const scope of scopes) {
    for (const pattern of scope.redact) redact.add(pattern);
    if (scope.rate) rates.push(scope.rate);
    if (scope.labels) labels.push(scope.labels);
    if (scope.maxBytes !== undefined) maxBytes = Math.min(maxBytes, scope.maxBytes);
  }
  return {
    effect: "allow",
    scope: scopes[0].ref,
    scopes: scopes.map(({ ref }) => ref),
    obligations: {
      redact: [...redact].sort(),
      ...(maxBytes !== Infinity && { maxBytes }),
      rates,
      labels,
      hardlinks: scopes.some(({ hardlinks }) => hardlinks),
    },
  };
}
