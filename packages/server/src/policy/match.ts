import type { Canonical } from "./canonical.ts";
import { foldText, leadsTo, rootOf } from "./case-folding.ts";
import type { CompiledScope, Rule } from "./scope.ts";
import { matchUrls, reachUrls, type ToolRules } from "./tool-rules.ts";

/**
 * The first scope whose deny covers the resource. It looks at the resource and the clock alone: neither a purpose nor a method that a caller
 * chooses leads around a deny.
 */
export function findDeny({ deny, caseless }: ToolRules, resource: Canonical, now: number): CompiledScope | undefined {
  let found: Rule[] = [];
  if (resource.kind === "url") found = matchUrls(deny.urls, resource.url, "deny");
  else {
    // A deny of the root covers every index; one of less takes items out of it.
    const path = resource.kind === "path" ? resource.path : [];
    if (rootOf(caseless, path)) deny.folded.match(path.map(foldText), found);
    else deny.paths.match(path, found);
  }
  let first: CompiledScope | undefined;
  for (const rules of [found, deny.all]) {
    for (const { scope } of rules)
      if (!(scope.expires <= now) && (first === undefined || scope.rank < first.rank)) first = scope;
  }
  return first;
}

/**
 * The scopes that have an allow for the resource, in the order of their ranks, whatever their conditions say. A collection counts when an allow may lie
 * in or over it, since its items are judged one by one.
 */
export function findAllows({ allow, allowing, caseless }: ToolRules, resource: Canonical): readonly CompiledScope[] {
  if (resource.kind === "index") return allowing;
  let found: Rule[] = [];
  if (resource.kind === "url")
    found = resource.collection ? reachUrls(allow.urls, resource.url) : matchUrls(allow.urls, resource.url, "allow");
  else {
    const root = rootOf(caseless, resource.path);
    const path = root ? resource.path.map(foldText) : resource.path;
    const rules = root ? allow.folded : allow.paths;
    if (resource.collection) rules.reach(path, found);
    else rules.match(path, found);
    if (root) found = found.filter(({ target }) => target.kind === "path" && leadsTo(target.glob, root));
  }
  const [only] = found;
  if (only === undefined) return [];
  if (found.length === 1) return [only.scope];
  return [...new Set(found.map(({ scope }) => scope))].sort((a, b) => a.rank - b.rank);
}
