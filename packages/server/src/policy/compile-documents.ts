import { compileNames, toGroups } from "./compile-names.ts";
import { type CompileOptions, compileScope, toExpires } from "./compile-scope.ts";
import type { Fault } from "./fault.ts";
import { idPattern } from "./name-pattern.ts";
import type { ParsedDocument } from "./parse.ts";
import { type At, createAt } from "./place.ts";
import type { CompiledDocument, CompiledScope } from "./scope.ts";
import type { Steps } from "./steps.ts";
import type { ScopeRef } from "./verdict.ts";

interface Result {
  readonly documents: readonly CompiledDocument[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/** Compiles parsed documents together, scope by scope, since groups and ids are of the whole set. Every fault is told at its place. */
export function* compileInSteps(parsed: readonly ParsedDocument[], options: CompileOptions): Steps<Result> {
  const faults: Fault[] = [];
  const warnings: Fault[] = [];
  const at = (document: ParsedDocument, ...keys: (string | number)[]): At =>
    createAt({ document, faults, warnings }, keys);

  const groups = toGroups(parsed, at);
  const refs = toRefs(parsed, at);
  yield;
  const ranks = new Map(
    [...refs.values()]
      .flat()
      .map(({ id }) => id)
      .sort()
      .map((id, rank) => [id, rank]),
  );
  const documents: CompiledDocument[] = [];
  for (const document of parsed) {
    const { subject, scopes = [], expires, purpose = "required" } = document.value;
    if (subject === undefined) continue;
    const end = toExpires(expires, at(document, "expires"));
    const compiled: CompiledScope[] = [];
    for (const [index, scope] of scopes.entries()) {
      const ref = refs.get(document)?.[index] ?? { id: "", file: "", line: 0 };
      const rank = ranks.get(ref.id) ?? 0;
      compiled.push(
        compileScope(scope, { ref, rank, end, needs: purpose, options, at: at(document, "scopes", index) }),
      );
      yield;
    }
    documents.push({
      subjects: compileNames(subject, { separator: "@", groups, at: at(document, "subject") }),
      scopes: compiled,
    });
  }
  return { documents, faults, warnings };
}

/**
 * Names every scope: by its own id, else by its file and its number in it. An id is of the whole set, since audits, refusals and buckets go by it.
 */
function toRefs(
  parsed: readonly ParsedDocument[],
  at: (document: ParsedDocument, ...keys: (string | number)[]) => At,
): ReadonlyMap<ParsedDocument, readonly ScopeRef[]> {
  const names = new Map<string, Set<string>>();
  const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  for (const { path } of parsed) names.set(baseOf(path), (names.get(baseOf(path)) ?? new Set()).add(path));
  const owners = new Map<string, string>();
  const refs = new Map<ParsedDocument, ScopeRef[]>();
  for (const document of parsed) {
    const { path, index, value } = document;
    const file = baseOf(path);
    const prefix = (names.get(file)?.size ?? 0) > 1 ? path : file;
    const ofDocument: ScopeRef[] = [];
    refs.set(document, ofDocument);
    for (const [number, scope] of (value.scopes ?? []).entries()) {
      const { line } = document.locate(["scopes", number]);
      const id = scope.id ?? `${prefix}#${index > 0 ? `${index + 1}.` : ""}${number + 1}`;
      const place = at(document, "scopes", number, "id");
      if (scope.id !== undefined && !idPattern.test(scope.id))
        place.fault("An id is 1 to 64 letters, digits and _ . -");
      const other = owners.get(id);
      if (other !== undefined) place.fault(`The scope at ${other} has this id too.`);
      owners.set(id, `${file}:${line}`);
      ofDocument.push({ id, file, line });
    }
  }
  return refs;
}
