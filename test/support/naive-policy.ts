import type { Resource } from "@portcullis/contracts";
import type { PolicyDocument, Scope } from "../../packages/server/src/policy/document.ts";
import type { Question } from "../../packages/server/src/policy/verdict.ts";

/* A second, naive reading of what policies mean, written for clarity alone: the engine is held against it. */

export const places = {
  home: "/h/me",
  served: [
    { name: "v", path: "/s/v" },
    { name: "w", path: "/s/w/x" },
  ],
};
export type Groups = Readonly<Record<"staff" | "pets", readonly string[]>>;

/** A set of documents with its groups, which the documents before it may define in any place. */
export interface PolicySet {
  readonly groups: Groups;
  readonly documents: readonly PolicyDocument[];
}

const toRegExp = (segment: string): RegExp =>
  new RegExp(
    `^${segment
      .replace(/[.+^$()|]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".")}$`,
    "su",
  );

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === "**") return fits(rest, path) || (path.length > 0 && fits(pattern, path.slice(1)));
  const [name, ...below] = path;
  return name !== undefined && toRegExp(first).test(name) && fits(rest, below);
}

/** Whether a pattern fits the path or could fit something below it. */
function reaches(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [name, ...below] = path;
  if (name === undefined || first === "**") return true;
  return first !== undefined && toRegExp(first).test(name) && reaches(rest, below);
}

const split = (path: string): string[] => path.split("/").filter((part) => part !== "");

function expand(pattern: string): string[][] {
  const [head = "", ...rest] = pattern.split("/");
  if (head === "**") return [[head, ...rest]];
  const roots: Record<string, string[]> = {
    "": [""],
    "~": [places.home],
    "@served": places.served.map(({ path }) => path),
    "@v": ["/s/v"],
    "@w": ["/s/w/x"],
  };
  return (roots[head] ?? []).map((root) => [...split(root), ...rest.filter((part) => part !== "")]);
}

const hasWildcard = (segment: string | undefined): boolean => segment !== undefined && /[*?]/.test(segment);

function urlFits(pattern: string, href: string, effect: "allow" | "deny"): boolean {
  const [, scheme, host = "", port, path = ""] = /^(\w+):\/\/([^/:]+)(?::(\d+|\*))?(\/.*)?$/.exec(pattern) ?? [];
  const url = new URL(href);
  if (`${scheme}:` !== url.protocol) return false;
  const actual = url.port || (url.protocol === "https:" ? "443" : "80");
  if (port !== "*" && (port ?? (scheme === "https" ? "443" : "80")) !== actual) return false;
  const suffix = host.startsWith("*.") ? host.slice(1) : undefined;
  if (host !== "*" && (suffix ? !url.hostname.endsWith(suffix) : url.hostname !== host)) return false;
  const wanted = split(path);
  const closed = effect === "deny" && !hasWildcard(wanted.at(-1)) ? [...wanted, "**"] : wanted;
  return fits(closed, split(decodeURIComponent(url.pathname)));
}

function patternFits(pattern: string, resource: Resource, effect: "allow" | "deny"): boolean {
  if (effect === "deny" && pattern === "**") return true;
  const isUrl = pattern.includes("://");
  if (resource.kind === "url") return isUrl && urlFits(pattern, resource.href, effect);
  if (resource.kind === "index" && effect === "allow") return isUrl || expand(pattern).length > 0;
  if (resource.kind === "discord" || isUrl) return false;
  const path =
    resource.kind === "index"
      ? []
      : split(resource.kind === "git" ? `${resource.repository}/${resource.path}` : resource.path);
  return expand(pattern).some((glob) => {
    if (effect === "deny") return fits(hasWildcard(glob.at(-1)) ? glob : [...glob, "**"], path);
    return "collection" in resource && resource.collection ? reaches(glob, path) : fits(glob, path);
  });
}

function nameFits(pattern: string, name: string, separator: string): boolean {
  const parts = pattern.split(separator);
  if (parts.at(-1) === "*") parts.push("**");
  return fits(parts, name.split(separator));
}

const list = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : ([value].flat() as T[]));

function subjectFits({ subject }: PolicyDocument, name: string, groups: Groups): boolean {
  const patterns = list(subject).flatMap((one) =>
    one.startsWith("group:") ? groups[one.slice("group:".length) as keyof Groups] : [one],
  );
  return patterns.some((pattern) => nameFits(pattern, name, "@"));
}

function failing(
  scope: Scope,
  document: PolicyDocument,
  { resource, effect, purpose, tool, now }: Question,
): string | undefined {
  if (expired(scope, document, now)) return "expired";
  const method = resource.kind === "url" ? resource.method : "GET";
  const gets = ["GET", "HEAD"].includes(method);
  if (!gets && !list(scope.methods).includes(method as "POST")) return "method_not_named";
  const acts = !gets || effect !== "read";
  if (acts && !list(scope.tool).includes(tool)) return "write_not_named";
  const needs = document.purpose ?? "required";
  if (!purpose.text && (acts || needs !== "optional" || scope.purposes)) return "purpose_required";
  if (purpose.text && needs === "stated" && !purpose.stated) return "purpose_required";
  if (purpose.text && scope.purposes && !scope.purposes.some((glob) => toRegExp(glob).test(purpose.text ?? "")))
    return "purpose_not_served";
  return undefined;
}

const expired = (scope: Scope, document: PolicyDocument, now: number): boolean =>
  [scope.expires, document.expires].some((text) => text !== undefined && Date.parse(text) <= now);

export interface Expected {
  readonly effect: "allow" | "deny";
  readonly reason?: string;
  readonly scopes?: readonly string[];
  readonly redact?: readonly string[];
  readonly maxBytes?: number | undefined;
  readonly rates?: readonly string[];
  readonly labels?: readonly string[];
}

export function reference({ documents, groups }: PolicySet, question: Question): Expected {
  const mine = documents.filter((document) => subjectFits(document, question.subject, groups));
  if (mine.length === 0) return { effect: "deny", reason: "unknown_subject" };
  const scopes = mine.flatMap((document) => list(document.scopes).map((scope) => ({ scope, document })));
  const ofTool = scopes.filter(({ scope }) => list(scope.tool).some((tool) => nameFits(tool, question.tool, ".")));
  const touches = (patterns: string[] | undefined, effect: "allow" | "deny"): boolean =>
    list(patterns).some((pattern) => patternFits(pattern, question.resource, effect));
  if (ofTool.some(({ scope, document }) => !expired(scope, document, question.now) && touches(scope.deny, "deny")))
    return { effect: "deny", reason: "denied" };
  const allowing = ofTool.filter(({ scope }) => scope.allow);
  if (allowing.length === 0) return { effect: "deny", reason: "no_scope" };
  const near = allowing.filter(({ scope }) => touches(scope.allow, "allow"));
  const judged = near.map(({ scope, document }) => ({ scope, reason: failing(scope, document, question) }));
  const holding = judged.filter(({ reason }) => reason === undefined).map(({ scope }) => scope);
  if (holding.some(({ consent }) => consent)) return { effect: "deny", reason: "consent" };
  if (holding.length === 0) {
    const order = ["purpose_required", "purpose_not_served", "method_not_named", "write_not_named", "expired"];
    const reason = order.find((candidate) => judged.some((one) => one.reason === candidate)) ?? "no_allow";
    return { effect: "deny", reason };
  }
  const sizes = holding.flatMap(({ maxBytes }) => maxBytes ?? []);
  return {
    effect: "allow",
    scopes: holding.map(({ id }) => id ?? "").sort(),
    redact: [...new Set(holding.flatMap(({ redact }) => redact?.patterns ?? []))].sort(),
    maxBytes: sizes.length > 0 ? Math.min(...sizes) : undefined,
    rates: holding.flatMap(({ id, rate }) => (rate ? [`${id} ${rate.perMinute} ${rate.burst}`] : [])).sort(),
    labels: holding.flatMap(({ labels }) => (labels ? [JSON.stringify(labels)] : [])).sort(),
  };
}
