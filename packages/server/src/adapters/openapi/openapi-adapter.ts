import { CallError, type Labels, type Resource } from "@portcullis/contracts";
import type { TObject } from "typebox";
import { createGate } from "../../network/gate.ts";
import type { GuardedFetch, GuardedResponse } from "../../network/guarded-fetch.ts";
import { createCheck } from "../../upstream/check-value.ts";
import { declare, type Marks } from "../../upstream/marks.ts";
import { toMountName } from "../../upstream/mount-name.ts";
import type { Adapter, AnyTool, Permit, Tool } from "../adapter.ts";
import { type Answers, readAnswers } from "./answers.ts";
import { readBase } from "./base.ts";
import { DocumentFault } from "./fault.ts";
import { choose, isSafe, type Operation } from "./operations.ts";
import { nextPage, type Paging, withPages } from "./pages.ts";
import { type Plan, plan } from "./plan.ts";
import { readDocument } from "./read-document.ts";
import { type ApiRequest, type Args, toRequest } from "./request.ts";
import { type ApiResult, type Page, readPage, toResultSchema } from "./result.ts";

export interface OpenApiOptions {
  readonly name: string;
  /** The file of the OpenAPI document. */
  readonly document: string;
  /** Where the API is, instead of what its document says. */
  readonly url?: string;
  /** The operations that are offered. */
  readonly operations: readonly string[];
  readonly marks?: Marks;
  /** What each request carries, the credentials among it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly paging?: Readonly<Record<string, Paging>>;
  /** Calls that may run at once. */
  readonly concurrent: number;
  readonly fetch: GuardedFetch;
  /** For the owner's log: scrubbed and bounded by whoever takes it. */
  tell(message: string): void;
}

/** One operation that can be called. */
export interface Endpoint {
  readonly operation: Operation;
  readonly plan: Plan;
  readonly answers: Answers;
  readonly base: string;
}

/** An API as it was read: what it offers, and the way to it. */
export interface Api {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  /** Sends one request with what the owner adds to each, to the URL that the permit has judged. */
  send(request: ApiRequest, use: Sending): Promise<GuardedResponse>;
}

export interface Sending {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  allows(resource: Resource): boolean;
}

/** Characters of all schemas of one API: they are in every list of tools. */
const mostTold = 1_048_576;
/** Calls of one API that may wait for their turn. */
const mostWaiting = 64;

/** Reads an API's document and plans its operations. Throws `DocumentFault`. */
export async function readApi(options: OpenApiOptions): Promise<Api> {
  const document = await readDocument(options.document);
  const fixed = {
    query: new Set(Object.keys(options.query)),
    headers: new Set(Object.keys(options.headers).map((name) => name.toLowerCase())),
  };
  const endpoints = choose(document, options.operations).flatMap(({ operation, named }): readonly Endpoint[] => {
    try {
      const base = readBase(document, operation, options.url);
      return [
        {
          operation,
          base,
          plan: plan(document, operation, fixed),
          answers: readAnswers(document, operation, options.tell),
        },
      ];
    } catch (error) {
      if (named || !(error instanceof DocumentFault)) throw error;
      options.tell(`The operation ${operation.id} of ${options.name} cannot be used. ${error.message}`);
      return [];
    }
  });
  checkNames(options, endpoints);
  return { name: options.name, endpoints, send: sender(options) };
}

/** Settings are of operations that are offered, and each tool has a name of its own. */
function checkNames({ name, marks = {}, paging = {} }: OpenApiOptions, endpoints: readonly Endpoint[]): void {
  const ids = new Set(["*", ...endpoints.map(({ operation }) => operation.id)]);
  const next = "Correct the configuration, or list the operation.";
  for (const [key, settings] of Object.entries({ tools: marks, pages: paging }))
    for (const id of Object.keys(settings))
      if (!ids.has(id))
        throw new DocumentFault(
          "#/paths",
          `offers no operation ${JSON.stringify(id)}, of which \`${key}\` tells`,
          next,
        );
  const told = endpoints.reduce((sum, one) => sum + JSON.stringify([one.plan.input, one.answers.shown]).length, 0);
  if (told > mostTold)
    throw new DocumentFault(
      "#/paths",
      `has operations whose schemas have ${told} characters; ${mostTold} are told`,
      "List fewer.",
    );
  const mounted = Map.groupBy(endpoints, ({ operation }) => toMountName(name, operation.id));
  for (const [tool, [, another]] of mounted)
    if (another)
      throw new DocumentFault(
        another.operation.place,
        `has a second operation that would be ${name}.${tool}`,
        "Give it another operationId.",
      );
  for (const { operation, plan: planned } of endpoints) {
    const own = pagingOf(paging, operation.id);
    const takes = (argument: string): boolean => planned.parts.some((part) => part.argument === argument);
    if (own?.by === "cursor" && Object.hasOwn(paging, operation.id) && !takes(own.argument ?? ""))
      throw new DocumentFault(
        operation.place,
        `has no parameter ${JSON.stringify(own.argument)}, which \`pages\` names`,
        next,
      );
  }
}

const pagingOf = (paging: OpenApiOptions["paging"] = {}, id: string): Paging | undefined =>
  Object.hasOwn(paging, id) ? paging[id] : Object.hasOwn(paging, "*") ? paging["*"] : undefined;

function sender({ name, fetch, headers, query, concurrent }: OpenApiOptions): Api["send"] {
  const gate = createGate(concurrent, mostWaiting, `calls of ${name} are waiting`);
  const secret = Object.entries(query);
  return async ({ href, method, headers: own, body }, { signal, maxBytes, allows }) => {
    const url = new URL(href);
    for (const [key, value] of secret) url.searchParams.append(key, value);
    const leave = await gate.enter(signal);
    try {
      return await fetch({
        url: secret.length === 0 ? href : url.href,
        method,
        headers: { accept: "application/json, text/*;q=0.8", "user-agent": "Portcullis", ...own, ...headers },
        ...(body !== undefined && { body }),
        maxBytes,
        signal,
        reach: () => (allows({ kind: "url", href, method }) ? "public" : "closed"),
      });
    } catch (error) {
      throw signal.aborted ? signal.reason : withoutKey(error, href);
    } finally {
      leave();
    }
  };
}

/** A refusal of the network names the URL that was asked; the owner's key in its query is nobody's business. */
function withoutKey(error: unknown, href: string): unknown {
  if (!(error instanceof CallError) || error.details?.url === undefined) return error;
  const { resource, ...details } = error.details;
  return new CallError(error.code, error.message, {
    cause: error.cause,
    details: { ...details, url: href, ...(resource !== undefined && { resource: href }) },
  });
}

/** An HTTP API as a source: the operations that the owner lists, each a tool, judged by the very URL that it calls. */
export function createOpenApiAdapter(api: Api, options: Pick<OpenApiOptions, "marks" | "paging">): Adapter {
  const tools = api.endpoints.flatMap((endpoint) => toTool(api, endpoint, options));
  return { name: api.name, version: () => "read", tools: () => tools };
}

function toTool(
  api: Api,
  endpoint: Endpoint,
  { marks, paging }: Pick<OpenApiOptions, "marks" | "paging">,
): readonly AnyTool[] {
  const { operation, plan: planned, answers, base } = endpoint;
  const { id, method, raw } = operation;
  const { expose, labels, effect } = declareOperation(marks, operation);
  if (!expose) return [];
  const own = pagingOf(paging, id);
  // A cursor that its operation does not take would ask for the first page again and again.
  const pages =
    own?.by === "cursor" && !planned.parts.some(({ argument }) => argument === own.argument) ? undefined : own;
  const input = withPages(planned.input, pages);
  const said = [raw.summary, raw.description].filter((text): text is string => typeof text === "string" && text !== "");
  const tool: Tool<Args, ApiResult> = {
    name: `${api.name}.${toMountName(api.name, id)}`,
    title: (said[0] ?? id).split("\n")[0]?.slice(0, 200) ?? id,
    summary: said.join(" ").replace(/\s+/g, " ").slice(0, 1_024) || `${method} ${operation.path}`,
    safety: `Sends ${method} to the API ${api.name}, as far as a policy allows the URL.`,
    effect,
    labels,
    input: input as unknown as TObject,
    output: toResultSchema(answers),
    accepts: createCheck(input),
    answers: createCheck(toResultSchema(answers) as never),
    touches: (args) => [toResource(toRequest(planned, base, args))],
    async run(args, { permit, signal }) {
      const asking = { api, endpoint, args, permit, signal };
      return collect(asking, pages, { labels, wanted: typeof args.pages === "number" && pages ? args.pages : 1 });
    },
    notes: ({ misfit, more = [] }) =>
      [misfit, ...more.map((page) => page.misfit)].some(Boolean)
        ? [`an answer of ${api.name} breaks the API's own document, and comes as text`]
        : [],
  };
  return [tool as unknown as AnyTool];
}

/** What an operation counts as: what its method says, unless the owner says otherwise. */
export function declareOperation(marks: Marks | undefined, operation: Operation): ReturnType<typeof declare> {
  const declared = declare(marks, operation.id);
  const said = { ...marks?.["*"], ...(marks && Object.hasOwn(marks, operation.id) ? marks[operation.id] : undefined) };
  const labels: Labels = { untrusted: true, egress: true, ...said.labels };
  return { ...declared, effect: said.effect ?? (isSafe(operation) ? "read" : "send"), labels };
}

export const toResource = ({ href, method }: ApiRequest): Resource => ({ kind: "url", href, method });

interface Asking {
  readonly api: Api;
  readonly endpoint: Endpoint;
  readonly args: Args;
  readonly permit: Permit;
  readonly signal: AbortSignal;
}

interface Wanted {
  readonly labels: Labels;
  readonly wanted: number;
}

/** Asks for as many pages as are wanted, and as fit into one answer; each is judged as the first was. */
async function collect(asking: Asking, paging: Paging | undefined, { labels, wanted }: Wanted): Promise<ApiResult> {
  const { api, endpoint, permit, signal } = asking;
  const { plan: planned, base, answers } = endpoint;
  const allows = (resource: Resource): boolean => permit.allows(resource) && permit.leaves?.(resource) !== false;
  let left = permit.maxBytes;
  let args = asking.args;
  let request = toRequest(planned, base, args);
  let result: ApiResult | undefined;
  const more: Page[] = [];
  for (let count = 1; ; count++) {
    const answer = await api.send(request, { signal, maxBytes: left, allows });
    left -= answer.body.length;
    const page = readPage(answer, { source: api.name, origin: request.href, answers });
    if (result) more.push(page);
    else {
      const contentType = answer.headers["content-type"]?.slice(0, 200) ?? null;
      result = { ...page, untrusted: labels.untrusted !== false, status: answer.status, contentType };
    }
    const next =
      paging &&
      nextPage(paging, request, { data: page.data, args, link: answer.headers.link, reserved: planned.reserved });
    if (!next) return { ...result, ...(more.length > 0 && { more }) };
    const following = "href" in next ? { ...request, href: next.href } : toRequest(planned, base, next.args);
    // The last page's own cursor again leads nowhere.
    const goesOn = following.href !== request.href && allows(toResource(following));
    if (!goesOn || count >= wanted || left <= 0)
      return { ...result, ...(more.length > 0 && { more }), ...(goesOn && { next: next.told }) };
    if ("args" in next) args = next.args;
    request = following;
  }
}
