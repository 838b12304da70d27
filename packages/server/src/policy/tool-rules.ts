import { type CaselessRoot, foldGlob } from "./case-folding.ts";
import { createRuleTrie, type RuleTrie } from "./rule-trie.ts";
import { type CompiledDocument, type CompiledScope, namesTool, type Rule } from "./scope.ts";
import { finish, type Steps } from "./steps.ts";
import { matchOrigin, matchUrl } from "./url-pattern.ts";
import type { UrlReading } from "./url-reading.ts";

/** All that a policy says of one tool for one subject, indexed by place. */
export interface ToolRules {
  /** The scopes that allow something, in the order of their ranks. */
  readonly allowing: readonly CompiledScope[];
  /** The scopes that deny something. */
  readonly denying: readonly CompiledScope[];
  /** Those that name the tool without a wildcard. */
  readonly naming: ReadonlySet<CompiledScope>;
  readonly allow: Places;
  readonly deny: Places;
  /** Where letter case does not count. */
  readonly caseless: readonly CaselessRoot[];
  /** True when neither clock nor purpose text changes which of the scopes hold. */
  readonly steady: boolean;
  /** How many rules are in here. */
  readonly weight: number;
}

interface Places {
  readonly paths: RuleTrie<Rule>;
  /** The same without regard to case; empty when case counts everywhere. */
  readonly folded: RuleTrie<Rule>;
  readonly urls: UrlRules;
  readonly all: readonly Rule[];
}

interface UrlRules {
  /** By the literal end of the host: a whole name, `.example.com` behind a wildcard, or nothing. */
  readonly byHost: Map<string, RuleTrie<Rule>>;
}

export function toToolRules(
  documents: readonly CompiledDocument[],
  tool: string,
  caseless: readonly CaselessRoot[],
): ToolRules {
  return finish(gatherToolRules(documents, tool, caseless));
}

/** The same in steps of one scope, between which other work can have its turn. */
export function* gatherToolRules(
  documents: readonly CompiledDocument[],
  tool: string,
  caseless: readonly CaselessRoot[],
): Steps<ToolRules> {
  const allowing: CompiledScope[] = [];
  const denying: CompiledScope[] = [];
  const naming = new Set<CompiledScope>();
  const allow = createPlaces(caseless.length > 0);
  const deny = createPlaces(caseless.length > 0);
  let weight = 0;
  for (const { scopes } of documents) {
    for (const scope of scopes) {
      const how = namesTool(scope, tool);
      if (how === undefined) continue;
      if (how === "exactly") naming.add(scope);
      if (scope.allow.length > 0) allowing.push(scope);
      if (scope.deny.length > 0) denying.push(scope);
      for (const rule of scope.allow) allow.add(rule, "allow");
      for (const rule of scope.deny) deny.add(rule, "deny");
      weight += (scope.allow.length + scope.deny.length) * (caseless.length > 0 ? 2 : 1);
      yield;
    }
  }
  allowing.sort((a, b) => a.rank - b.rank);
  const steady = allowing.every(({ purposes, expires }) => purposes === undefined && expires === Infinity);
  return { allowing, denying, naming, allow, deny, caseless, steady, weight };
}

function createPlaces(folds: boolean) {
  const paths = createRuleTrie<Rule>();
  const folded = createRuleTrie<Rule>();
  const byHost = new Map<string, RuleTrie<Rule>>();
  const all: Rule[] = [];
  const add = (rule: Rule, effect: "allow" | "deny"): void => {
    const { target } = rule;
    if (target.kind === "all") all.push(rule);
    else if (target.kind === "path") {
      paths.add(target.glob, rule);
      if (folds) folded.add(foldGlob(target.glob), rule);
    } else {
      const { host, path, loosePath } = target.url;
      const key = host.slice(host.lastIndexOf("*") + 1);
      let trie = byHost.get(key);
      if (trie === undefined) {
        trie = createRuleTrie<Rule>();
        byHost.set(key, trie);
      }
      trie.add(path, rule);
      if (effect === "deny" && loosePath !== path) trie.add(loosePath, rule);
    }
  };
  return { paths, folded, urls: { byHost }, all, add };
}

/** The rules of one effect that a URL meets: an allow has to fit both readings of the path, a deny either. */
export function matchUrls({ byHost }: UrlRules, url: UrlReading, effect: "allow" | "deny"): Rule[] {
  if (byHost.size === 0) return [];
  const found: Rule[] = [];
  const look = (key: string): void => {
    const trie = byHost.get(key);
    trie?.match(url.strict, found);
    if (effect === "deny" && url.loose !== url.strict) trie?.match(url.loose, found);
  };
  look(url.host);
  look("");
  for (let dot = url.host.indexOf("."); dot >= 0; dot = url.host.indexOf(".", dot + 1)) look(url.host.slice(dot));
  return found.filter(({ target }) => target.kind === "url" && matchUrl(target.url, url, effect));
}

/** The allows that fit all of a collection's items, or some of them: those of its guild that lead to it, or all when it has none. */
export function reachUrls({ byHost }: UrlRules, url: UrlReading): Rule[] {
  const found: Rule[] = [];
  for (const [key, trie] of byHost) {
    if (url.host === "" || key === "" || key === url.host) trie.reach(url.strict, found);
  }
  const fits = ({ target }: Rule): boolean =>
    target.kind === "url" &&
    (url.host === "" ? target.url.scheme === url.scheme : matchOrigin(target.url, url, "allow"));
  return found.filter(fits);
}
