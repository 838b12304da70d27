import type { ServedFolder } from "../adapters/adapter.ts";
import type { DocumentEntry } from "../stores/store.ts";
import { toPathFilter } from "./path-filter.ts";
import type { Filter, Query } from "./query.ts";
import type { Scope } from "./ranking/evaluate.ts";
import { postingsOf } from "./ranking/postings.ts";
import { tagMark } from "./segment/builder.ts";

/** Conditions that are given beside a query. */
export interface Filters {
  /** See `toPathFilter`. */
  readonly path?: string | undefined;
  /** A served folder's name. */
  readonly source?: string | undefined;
  /** With or without `#`; a nested tag's ancestors hold it too. */
  readonly tag?: string | undefined;
}

type Test = (entry: DocumentEntry) => boolean;

/** The conditions of a query and of its request as tests. */
export function toFilters(
  scope: Scope,
  asked: {
    readonly query: Query;
    readonly filters?: Filters | undefined;
    readonly sources: ReadonlyMap<string, ServedFolder>;
  },
): readonly Test[] {
  const { path, source, tag } = asked.filters ?? {};
  const all: Filter[] = [
    ...asked.query.filters,
    ...(path ? [{ on: "path", value: path, not: false } as const] : []),
    ...(source !== undefined ? [{ on: "source", value: source, not: false } as const] : []),
    ...(tag ? [{ on: "tag", value: tag.replace(/^#/, "").toLowerCase(), not: false } as const] : []),
  ];
  return all.map((filter) => {
    const test = toTest(filter, scope, asked.sources);
    return filter.not ? (entry) => !test(entry) : test;
  });
}

function toTest(filter: Filter, scope: Scope, sources: ReadonlyMap<string, ServedFolder>): Test {
  switch (filter.on) {
    case "path": {
      const fits = toPathFilter(filter.value);
      return ({ path }) => fits(path);
    }
    case "source":
      return ({ source }) => sources.get(source)?.name === filter.value;
    case "time":
      return ({ time }) => time >= filter.from && time < filter.until;
    case "tag": {
      const tagged = new Set<number>();
      const { parts } = postingsOf(scope.index, { ...scope, term: tagMark + filter.value });
      for (const { segment, passages, count } of parts)
        for (let at = 0; at < count; at++) tagged.add(segment.documents[passages[at] as number] as number);
      return ({ id }) => tagged.has(id);
    }
  }
}
