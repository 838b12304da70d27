import { isObject, type JsonSchema } from "../../upstream/read-schema.ts";
import { DocumentFault, toPlace } from "./fault.ts";
import { type ApiDocument, follow } from "./read-document.ts";

/** An operation as it stands in the document. */
export interface Operation {
  /** Its operationId, or one made of its method and path where it has none. */
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** The path's template: `/v1/files/{id}`. */
  readonly path: string;
  /** Where in the document it stands, as a JSON pointer. */
  readonly place: string;
  readonly raw: JsonSchema;
  /** The path's own entry, whose parameters and servers hold for all its operations. */
  readonly item: JsonSchema;
}

const methods = ["get", "head", "post", "put", "patch", "delete"] as const;
const mostChosen = 256;

/** Whether calling it is to do nothing, as far as its method says (RFC 9110, 9.2.1). */
export const isSafe = ({ method }: Pick<Operation, "method">): boolean => method === "GET" || method === "HEAD";

/** All operations of a document, in its order. */
function listOperations(document: ApiDocument): readonly Operation[] {
  const paths = isObject(document.root.paths) ? document.root.paths : {};
  return Object.entries(paths).flatMap(([path, entry]) => {
    if (!path.startsWith("/")) return [];
    const item = follow(document, entry, toPlace("paths", path));
    return methods.flatMap((method): readonly Operation[] => {
      const raw = Object.hasOwn(item, method) ? item[method] : undefined;
      if (!isObject(raw)) return [];
      const own = typeof raw.operationId === "string" && raw.operationId !== "" ? raw.operationId : undefined;
      const place = toPlace("paths", path, method);
      return [{ id: own ?? nameless(method, path), method: method.toUpperCase(), path, place, raw, item }];
    });
  });
}

/** `GET /v1/files/{id}` is `get_v1_files_id`. */
const nameless = (method: string, path: string): string =>
  [method, ...path.split(/[^A-Za-z0-9]+/).filter(Boolean)].join("_");

export interface Chosen {
  readonly operation: Operation;
  /** Whether the owner wrote its name out. */
  readonly named: boolean;
}

/**
 * The operations that the owner lists: each by its operationId or as `METHOD /path`, or with `*` at the end all that begin so and only read: what
 * changes something is chosen by name alone. Throws `DocumentFault` for a name that is none, or is not of one operation only.
 */
export function choose(document: ApiDocument, wanted: readonly string[]): readonly Chosen[] {
  const all = listOperations(document);
  const byId = Map.groupBy(all, ({ id }) => id);
  const byPlace = new Map(all.map((operation) => [`${operation.method} ${operation.path}`, operation]));
  const chosen = new Map<string, Chosen>();
  const take = (operation: Operation, named: boolean): void => {
    const same = byId.get(operation.id) ?? [];
    if (same.length > 1)
      throw new DocumentFault(
        operation.place,
        `has the operationId ${JSON.stringify(operation.id.slice(0, 100))} again, which ${same.length} operations share`,
        "Give each a name of its own.",
      );
    const { named: before = false } = chosen.get(operation.id) ?? {};
    chosen.set(operation.id, { operation, named: named || before });
    if (chosen.size > mostChosen)
      throw new DocumentFault("#/paths", `has more than ${mostChosen} operations that are listed`, "List fewer.");
  };
  for (const text of wanted) {
    if (text.endsWith("*")) {
      const begin = text.slice(0, -1);
      for (const operation of all) if (operation.id.startsWith(begin) && isSafe(operation)) take(operation, false);
      continue;
    }
    const operation = byPlace.get(text) ?? byId.get(text)?.[0];
    if (!operation)
      throw new DocumentFault(
        "#/paths",
        `has no operation ${JSON.stringify(text)}`,
        `Correct \`operations\`: it has ${
          all
            .slice(0, 5)
            .map(({ id }) => id)
            .join(", ") || "none at all"
        }${all.length > 5 ? " …" : ""}.`,
      );
    take(operation, true);
  }
  return [...chosen.values()];
}
