import { type Labels, type Resource, toUri } from "@portcullis/contracts";
import { type Consequence, type Effects, type Sink, undeclared } from "../flow/judge.ts";
import { any, type Reads, readReads, union } from "../flow/state.ts";
import { canonicalJson } from "../policy/canonical-json.ts";
import { isFixed, isUpstream, markOf } from "./flow-marks.ts";
import type { ValidCall } from "./validate.ts";

/** A resource with what is said of it: by its source, and by each scope of the policy that allows it. */
export interface Labelled {
  readonly resource: Resource;
  readonly source: Labels;
  readonly scopes: readonly Labels[];
}

const nothing: Reads = { private: [], untrusted: [] };

/** What a call may give the model before it has run, where its arguments go, and what it does. */
export function toEffects({ tool, input }: ValidCall, touched: readonly Labelled[], marks: Marks): Effects {
  const labels: Labels | undefined = tool.labels;
  if (labels === undefined) return undeclared(tool.name);
  // What writes or sends answers too, and so does a model, each as its source says.
  const speaks = labels.untrusted === true || touched.some(({ resource }) => isFixed(resource));
  const answering = touched.filter(isUrl).flatMap((one) => toReads(one, labels, marks).untrusted);
  const own: Reads = {
    private: labels.private === undefined ? [] : [labels.private],
    untrusted: !speaks ? [] : touched.some(isUrl) ? answering : [tool.name],
  };
  return {
    reads: tool.effect === "read" ? touched.reduce((sum, one) => union(sum, toReads(one, labels, marks)), own) : own,
    sinks: touched.flatMap((one) => toSinks(one, labels, input)),
    consequence: touched.reduce<Consequence>(
      (worst, one) => worse(worst, consequenceOf(one, labels)),
      labels.effect ?? consequences[tool.effect],
    ),
  };
}

export type Marks = ReadonlyMap<string, string>;

const isUrl = ({ resource }: Labelled): boolean => resource.kind === "url";

/** The labels of what is read of a resource: its source's, those of what was written there, and what the policy says of it. */
export function toReads({ resource, source, scopes }: Labelled, tool: Labels, marks: Marks): Reads {
  const said = scopes.length > 0;
  const isPublic = source.public === true || (said && scopes.every((scope) => scope.public === true));
  const trusted = said && scopes.every(({ untrusted }) => untrusted === false);
  const untrusted =
    scopes.some((scope) => scope.untrusted === true) ||
    (!trusted && (source.untrusted === true || (tool.untrusted === true && resource.kind === "url")));
  const reads: Reads = {
    private: [
      ...(isPublic || source.private === undefined ? [] : [source.private]),
      ...scopes.flatMap((scope) => scope.private ?? []),
    ],
    untrusted: untrusted ? [originOf(resource, source)] : [],
  };
  const kept = written(resource, { source, tool, marks });
  return kept === nothing ? reads : union(reads, kept);
}

/** What was written carries its labels. A text in the index of which nothing is known any more may hold anything. */
function written(
  resource: Resource,
  { source, tool, marks }: { readonly source: Labels; readonly tool: Labels; readonly marks: Marks },
): Reads {
  if (isFixed(resource)) return nothing;
  const mark = marks.size === 0 ? undefined : marks.get(markOf(resource));
  if (isUpstream(resource)) return mark === undefined ? nothing : readReads(mark);
  if (mark !== undefined) return tool.egress === true && resource.kind === "url" ? nothing : readReads(mark);
  const added = resource.kind === "url" && tool.egress !== true && source.egress !== true;
  return added ? { private: ["added"], untrusted: ["added"] } : nothing;
}

function originOf(resource: Resource, source: Labels): string {
  if (isUpstream(resource)) return `mcp:${new URL(toUri(resource)).host}`;
  if (isFixed(resource)) return toUri(resource);
  if (resource.kind === "url" && source.private === undefined) return `web:${new URL(resource.href).host}`;
  return source.private ?? resource.kind;
}

/** A call whose arguments leave does so to the URLs that it touches; a source elsewhere and a scope can say that of other resources. */
export function toSinks({ resource, source, scopes }: Labelled, tool: Labels, input: unknown): readonly Sink[] {
  const leaves =
    (tool.egress === true && resource.kind === "url") ||
    (resource.kind === "discord" && resource.elsewhere === true) ||
    source.egress === true ||
    scopes.some(({ egress }) => egress === true);
  if (!leaves) return [];
  const to = resource.kind === "url" ? new URL(resource.href).host : originOf(resource, source);
  const text = canonicalJson(input ?? {});
  const fixed = scopes.some((scope) => scope.fixed?.some((args) => canonicalJson(args) === text) === true);
  return [{ to, clearance: clearanceOf(source, scopes), ...(fixed && { fixed }) }];
}

/** What may leave: what the source itself holds, what it is cleared for, and what every scope that speaks of it clears. */
function clearanceOf(source: Labels, scopes: readonly Labels[]): readonly string[] {
  const own = source.egress === true && source.private !== undefined ? [source.private] : [];
  const said = scopes.flatMap(({ clearance }) => (clearance === undefined ? [] : [clearance]));
  const named = [...new Set(said.flat())];
  const cleared = named.filter((label) => said.every((one) => one.includes(label) || one.includes(any)));
  return [...own, ...(source.clearance ?? []), ...cleared];
}

const consequences = { read: "none", write: "local", send: "external" } as const;
const order: readonly Consequence[] = ["none", "local", "external", "destructive"];

const worse = (one: Consequence, other: Consequence): Consequence =>
  order.indexOf(one) >= order.indexOf(other) ? one : other;

function consequenceOf({ resource, scopes }: Labelled, tool: Labels): Consequence {
  const said = scopes.reduce<Consequence>((worst, { effect }) => worse(worst, effect ?? "none"), "none");
  if (tool.egress !== true || resource.kind !== "url") return said;
  const { method } = resource;
  return worse(said, method === "GET" || method === "HEAD" ? "none" : method === "DELETE" ? "destructive" : "external");
}
