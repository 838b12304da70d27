import type { Resource } from "@portcullis/contracts";
import { toPathSegments } from "./path-pattern.ts";
import { readUrl, type UrlReading } from "./url-reading.ts";

/** A resource in the form that rules are matched against. */
export type Canonical =
  | { readonly kind: "path"; readonly path: readonly string[]; readonly collection: boolean }
  | { readonly kind: "url"; readonly url: UrlReading }
  | { readonly kind: "index" };

/** Reads a resource; undefined when it has no canonical form, so that no rule can judge it. */
export function toCanonical(resource: Resource): Canonical | undefined {
  if (resource.kind === "index") return { kind: "index" };
  if (resource.kind === "url") {
    const url = readUrl(resource.href);
    return url && /^[A-Z]+$/.test(resource.method) ? { kind: "url", url } : undefined;
  }
  if (resource.kind !== "path" && resource.kind !== "git") return undefined;
  if (resource.kind === "git" && resource.rev !== undefined && !isRevision(resource.rev)) return undefined;
  const path = toPathSegments(pathOf(resource));
  return path && { kind: "path", path, collection: resource.collection === true };
}

/** A revision is judged as one word that git cannot take for an option. */
const isRevision = (rev: string): boolean => /^(?!-)[^\p{Cc}\p{Z}\\]+$/u.test(rev) && rev.isWellFormed();

/** The absolute path of a file, also of one inside a repository. */
export function pathOf(resource: Extract<Resource, { kind: "path" | "git" }>): string {
  if (resource.kind === "path") return resource.path;
  const { repository, path } = resource;
  if (path === "") return repository;
  return repository === "/" ? `/${path}` : `${repository}/${path}`;
}
