import { CallError, type Labels } from "@portcullis/contracts";
import { fromDocumentId, toDocumentId, unknownDocument } from "../../search/document-id.ts";
import type { SearchSource, SourceHit } from "../search-source.ts";
import { DocumentFault } from "./fault.ts";
import { type Api, type Endpoint, toResource } from "./openapi-adapter.ts";
import { type ApiRequest, toRequest } from "./request.ts";
import { type Page, pick, readPage } from "./result.ts";

/** Which operations of an API find and read documents, and where in their answers things stand (`data.items`). */
export interface ApiSearchOptions {
  readonly find: {
    readonly operation: string;
    /** The argument that takes the query. */
    readonly query: string;
    /** Where the list of results stands. */
    readonly results: string;
    /** Where in each result its document's id stands, and where its title and best passage. */
    readonly id: string;
    readonly title?: string;
    readonly text?: string;
  };
  readonly read: {
    readonly operation: string;
    /** The argument that takes the document's id. */
    readonly id: string;
    readonly title?: string;
    /** Where the text stands; without it the whole answer is the text. */
    readonly text?: string;
  };
  readonly labels: Labels;
}

const mostResults = 50;
const longestQuery = 4_096;
const longestSearch = 1_048_576;

/** An API as a source of `search` and `fetch`: a document is, for policy, the URL that reads it. Throws `DocumentFault` for operations that are not offered. */
export function createApiSearch(api: Api, { find, read, labels }: ApiSearchOptions): SearchSource {
  const { name } = api;
  const finding = endpointOf(api, find.operation, find.query);
  const reading = endpointOf(api, read.operation, read.id);

  const toRead = (id: string): ApiRequest => {
    const parts = fromDocumentId(id);
    if (parts?.folder !== name || parts.part !== "") throw unknownDocument(id);
    try {
      return toRequest(reading.plan, reading.base, { [read.id]: parts.path });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw unknownDocument(id);
    }
  };

  return {
    name,
    labels,
    resource: (id) => toResource(toRead(id)),

    async search({ query, limit, allows, signal }) {
      const asked = query.trim().slice(0, longestQuery);
      if (asked === "") return [];
      const request = toRequest(finding.plan, finding.base, { [find.query]: asked });
      if (!allows(toResource(request))) return [];
      const answer = await api.send(request, { signal, maxBytes: longestSearch, allows });
      const page = readPage(answer, { source: name, origin: request.href, answers: finding.answers });
      const results = pick(dataOf(page, name), find.results);
      if (!Array.isArray(results)) throw broken(name, `has no list at ${find.results}`);
      return results
        .slice(0, mostResults)
        .flatMap((one): readonly SourceHit[] => {
          const path = textAt(one, find.id);
          if (path === undefined) return [];
          const id = toDocumentId(name, path);
          const title = textAt(one, find.title)?.slice(0, 500) ?? titleOf(path);
          return readable(id, toRead) ? [{ id, title, text: textAt(one, find.text)?.slice(0, 4_000) ?? "" }] : [];
        })
        .slice(0, limit);
    },

    async fetch(id, { maxBytes, signal }) {
      const request = toRead(id);
      const answer = await api.send(request, { signal, maxBytes, allows: () => true });
      const page = readPage(answer, { source: name, origin: request.href, answers: reading.answers });
      const text =
        read.text === undefined ? (page.text ?? JSON.stringify(page.data)) : textAt(dataOf(page, name), read.text);
      if (text === undefined) throw broken(name, `has no text at ${read.text}`);
      const { path = "" } = fromDocumentId(id) ?? {};
      return {
        id,
        title: textAt(page.data, read.title) ?? titleOf(path),
        text,
        metadata: { source: name, url: request.href },
      };
    },
  };
}

function endpointOf({ name, endpoints }: Api, operation: string, argument: string): Endpoint {
  const found = endpoints.find((one) => one.operation.id === operation);
  if (!found)
    throw new DocumentFault(
      "#/paths",
      `offers no operation ${JSON.stringify(operation)} for search`,
      `List it in \`operations\` of ${name}.`,
    );
  if (!found.plan.parts.some((part) => part.argument === argument))
    throw new DocumentFault(
      found.operation.place,
      `has no parameter ${JSON.stringify(argument)}`,
      "Correct `search` in the configuration.",
    );
  return found;
}

function readable(id: string, toRead: (id: string) => ApiRequest): boolean {
  try {
    return toRead(id) !== undefined;
  } catch {
    return false;
  }
}

const titleOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;

function textAt(value: unknown, place: string | undefined): string | undefined {
  const found = place === undefined ? undefined : pick(value, place);
  return typeof found === "string" ? found : typeof found === "number" ? String(found) : undefined;
}

function dataOf({ data, misfit }: Page, name: string): unknown {
  if (data !== undefined) return data;
  throw broken(name, misfit === undefined ? "is no JSON" : `breaks its own document: ${misfit}`);
}

const broken = (name: string, what: string): CallError =>
  new CallError("UPSTREAM", `The answer of ${name} ${what}.`, {
    details: {
      source: name,
      reason: "answer",
      next: "Tell the owner: the API, its document or `search` in the configuration is wrong.",
    },
  });
