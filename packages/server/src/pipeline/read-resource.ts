import {
  CallError,
  type ListedTemplate,
  type ResourceList,
  type ResourceRead,
  type ResourceStream,
} from "@portcullis/contracts";
import type { Permit, ResourceKind } from "../adapters/adapter.ts";
import type { Caller } from "./arrival.ts";
import { type Authorization, authorize, type Question } from "./authorize.ts";
import { confine } from "./confine.ts";
import { guard } from "./guard.ts";
import { guardArguments } from "./guard-arguments.ts";
import { limit } from "./limit.ts";
import type { Asked } from "./methods.ts";
import type { Parts } from "./parts.ts";
import { readTrace } from "./read-trace.ts";
import { recordIntent } from "./record.ts";
import { refuse } from "./refuse.ts";
import { openPieces } from "./resource-pieces.ts";
import { spend } from "./spend.ts";
import { sendStream } from "./stream-resource.ts";

/** Chunks that are sent before the reader has granted any. */
const firstCredit = 16;

/** Opens a resource and names the stream in which it follows. Reading one is judged, limited and counted as the tool is that reads the same. */
export async function readResource(asked: Asked, caller: Caller): Promise<ResourceStream> {
  const { parts, request, facts } = asked;
  const { sink } = request;
  if (!sink)
    throw new CallError("UNAVAILABLE", "Resources cannot follow on this door.", { details: { reason: "not_offered" } });
  const {
    uri,
    offset = 0,
    length,
    encoding = "auto",
    credit = firstCredit,
    trace,
  } = asked.params as unknown as ResourceRead;
  facts.args = { uri, ...(offset > 0 && { offset }), ...(length !== undefined && { length }), encoding };
  const justification = readTrace({ trace, ...(request.defaultPurpose && { defaultPurpose: request.defaultPurpose }) });
  facts.justification = justification;
  await guard(parts, { caller, justification, arrival: { name: "resources.read", args: { uri } } }, (turn) => {
    facts.turn = turn;
  });
  const kind = kindOf(parts, uri);
  const question = toQuestion(parts, {
    kind,
    caller,
    purpose: justification.purpose,
    input: { uri },
    resources: kind.touches(uri),
  });
  facts.resources = question.resources;
  facts.labels = question.call.tool.labels;
  facts.policy = parts.policy().hash;
  const decision = authorize(parts, question);
  const allowed = decision.permit ? decision : await refuse(parts, facts, question, decision);
  await guardArguments(parts, question.call, question.resources);
  await limit(parts, allowed);
  const confined = await confine(parts, facts, { question, authorization: allowed, arrival: request });
  const authorization = await spend(parts, facts, question, allowed);
  facts.verdicts = authorization.verdicts;
  await recordIntent(parts, facts, question.call);

  const late = AbortSignal.any([sink.gone, AbortSignal.timeout(parts.limits.callMs)]);
  const opened = await kind.open(uri, confined.permit(authorization.permit), late);
  let stream: ReturnType<Parts["streams"]["add"]> | undefined;
  try {
    await confined.carry();
    const span = toSpan(uri, { offset, length, size: opened.size });
    checkSize(uri, span, { authorization, whole: request.whole === true });
    stream = parts.streams.add(facts.id, caller, sink, credit);
    const { signal } = stream.ending;
    const pieces = await openPieces(parts, { opened, span, encoding, authorization, signal });
    facts.settled = (recorded) => {
      if (recorded && stream) return void sendStream(parts, { stream, pieces, facts, question, opened, authorization });
      opened.close();
      if (stream) parts.streams.remove(stream);
    };
    return {
      ...{ streamId: stream.id, uri, mimeType: opened.mimeType, encoding: pieces.encoding },
      ...{ size: opened.size, offset: pieces.start, end: span.end },
    };
  } catch (error) {
    if (stream) parts.streams.remove(stream);
    opened.close();
    throw error;
  }
}

/** A page of the resources that policy shows to this caller; the first one tells the templates too. */
export async function listResources({ parts, request, params, facts }: Asked, caller: Caller): Promise<ResourceList> {
  const { cursor, trace } = params as { readonly cursor?: string; readonly trace?: unknown };
  const { purpose } = readTrace({ trace, ...(request.defaultPurpose && { defaultPurpose: request.defaultPurpose }) });
  facts.args = { ...(cursor !== undefined && { cursor }) };
  const all = parts.registry.resources();
  const at = cursor === undefined ? 0 : all.findIndex(({ scheme }) => cursor.startsWith(scheme));
  if (at < 0) throw new CallError("INVALID_PARAMS", "This cursor is not of this list.", { details: { at: "cursor" } });
  const told = cursor === undefined ? { templates: listTemplates(parts, caller) } : {};
  let within = cursor?.slice(all[at]?.scheme.length) || undefined;
  for (const [offset, kind] of all.slice(at).entries()) {
    const permit = permitToList(parts, { kind, caller, purpose });
    const page = permit && (await parts.inFlight.run(toRun(caller), (signal) => kind.list(within, { permit, signal })));
    within = undefined;
    const following = page?.next === undefined ? all[at + offset + 1]?.scheme : `${kind.scheme}${page.next}`;
    const nextCursor = following === undefined ? {} : { nextCursor: following };
    // A kind of which there is nothing to see makes no page of its own.
    if (page && page.resources.length > 0) return { resources: [...page.resources], ...told, ...nextCursor };
  }
  return { resources: [], ...told };
}

const toRun = ({ grant }: Caller) => ({ grant });

/** How resources are named that no list holds, of the kinds that policy might let this caller read. */
function listTemplates(parts: Parts, caller: Caller): ListedTemplate[] {
  const kinds = parts.registry.resources();
  const tools = kinds.flatMap(({ tool }) => parts.registry.find(tool)?.tool ?? []);
  const visible = new Set(parts.policy().tools({ subject: caller.subject, client: caller.grant }, tools, parts.now()));
  return kinds
    .filter(({ tool }) => visible.has(tool) && caller.narrowing?.has(tool) !== false)
    .flatMap((kind) => [...kind.templates()]);
}

/** What a list judges its items by; undefined for a caller who may read nothing of the kind. */
function permitToList(parts: Parts, asked: Pick<QuestionOf, "kind" | "caller" | "purpose">): Permit | undefined {
  const { kind, caller } = asked;
  if (!parts.registry.find(kind.tool)) return undefined;
  // Of several kinds, one that the owner did not grant hides none of the others.
  if (kind.root === undefined && caller.narrowing?.has(kind.tool) === false) return undefined;
  const resources = kind.root === undefined ? [] : [kind.root];
  return authorize(parts, toQuestion(parts, { ...asked, input: {}, resources })).permit;
}

interface QuestionOf {
  readonly kind: ResourceKind;
  readonly caller: Caller;
  readonly purpose: Question["purpose"];
  readonly input: unknown;
  readonly resources: Question["resources"];
}

function toQuestion(parts: Parts, { kind, caller, purpose, input, resources }: QuestionOf): Question {
  const registered = parts.registry.find(kind.tool);
  if (!registered) throw new Error(`There is no tool ${kind.tool}, by which ${kind.scheme} is judged.`);
  return { caller, call: { ...registered, input }, resources, purpose };
}

function kindOf(parts: Parts, uri: string): ResourceKind {
  const kinds = parts.registry.resources();
  const found = kinds.find(
    ({ scheme, tool }) => uri.toLowerCase().startsWith(scheme) && parts.registry.find(tool) !== undefined,
  );
  if (found) return found;
  throw new CallError("VALIDATION_ERROR", "Resources of this kind are not served.", {
    details: { at: "uri", schemes: kinds.map(({ scheme }) => scheme), next: "resources.list tells what there is." },
  });
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

function toSpan(
  uri: string,
  { offset, length, size }: { readonly offset: number; readonly length: number | undefined; readonly size: number },
): Span {
  if (offset <= size) return { start: offset, end: Math.min(size, offset + (length ?? size)) };
  throw new CallError("VALIDATION_ERROR", `The resource has ${size} bytes; ${offset} lies behind its end.`, {
    details: { at: "offset", resource: uri, size },
  });
}

function checkSize(
  uri: string,
  { start, end }: Span,
  { authorization, whole }: { readonly authorization: Authorization; readonly whole: boolean },
): void {
  const limits = authorization.verdicts.flatMap(({ obligations }) => obligations.maxBytes ?? []);
  // A stream fills nobody's memory: only what a scope says bounds it.
  const most = whole ? authorization.permit.maxBytes : Math.min(Number.POSITIVE_INFINITY, ...limits);
  if (end - start <= most) return;
  throw new CallError("TOO_LARGE", `${end - start} bytes are more than may leave at once (${most}).`, {
    details: { resource: uri, bytes: end - start, limit: most, next: "Read it in parts: offset and length." },
  });
}
