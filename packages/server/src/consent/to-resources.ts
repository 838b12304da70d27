import { type Resource, toUri } from "@portcullis/contracts";
import { pathOf } from "../policy/canonical.ts";
import { escapeGlob } from "../policy/glob.ts";
import type { Places } from "../policy/path-pattern.ts";
import { toPattern } from "../policy/propose.ts";
import type { ConsentResource } from "../stores/consent-store.ts";

/**
 * What a denied call touches, as the owner may allow it. Patterns are written out: what `@served` stands for may change, and a grant must not grow with it.
 * Undefined where no pattern can say it.
 */
export function toConsentResource(
  resource: Resource,
  effect: "read" | "write" | "send",
  { served }: Places,
): ConsentResource | undefined {
  const uri = toUri(resource);
  if (resource.kind === "index") {
    const patterns = served.map(({ path }) => `${escapeGlob(path)}/**`);
    return patterns.length === 0 ? undefined : { resource, uri, patterns };
  }
  const pattern = toPattern(resource);
  if (pattern === undefined) return undefined;
  if (resource.kind === "url") {
    const { method } = resource;
    return { resource, uri, patterns: [pattern], ...(method !== "GET" && method !== "HEAD" && { method }) };
  }
  if (resource.kind !== "path" && resource.kind !== "git") return { resource, uri, patterns: [pattern] };
  const path = pathOf(resource);
  const folder = path.slice(0, path.lastIndexOf("/"));
  const offered = effect === "read" && resource.collection !== true && folder !== "";
  return { resource, uri, patterns: [pattern], ...(offered && { folder }) };
}
