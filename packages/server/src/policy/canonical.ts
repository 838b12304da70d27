import type { Resource } from "@portcullis/contracts";
import { toPathSegments } from "./path-pattern.ts";
import { readUrl, type UrlReading } from "./url-reading.ts";

/** A resource in the form that rules are matched against. */
export type Canonical =
  | { readonly kind: "path"; readonly path: readonly string[]; readonly collection: boolean }
  | { readonly kind: "url"; readonly url: UrlReading; readonly collection?: boolean }
  | { readonly kind: "index" };

/** Reads a resource; undefined when it has no canonical form, so that no rule can judge it. */
export function toCanonical(resource: Resource): Canonical | undefined {
  if (resource.kind === "index") return { kind: "index" };
  if (resource.kind === "discord") return toDiscord(resource);
  if (resource.kind === "url") {
    const url = readUrl(resource.href);
    return url && /^[A-Z]+$/.test(resource.method) ? { kind: "url", url } : undefined;
  }
  if (resource.kind !== "path" && resource.kind !== "git") return undefined;
  if (resource.kind === "git" && resource.rev !== undefined && !isRevision(resource.rev)) return undefined;
  const path = toPathSegments(pathOf(resource));
  return path && { kind: "path", path, collection: resource.collection === true };
}

/** A message as its URI is read: the guild is its host, and a thread lies in its channel. */
function toDiscord(resource: Extract<Resource, { kind: "discord" }>): Canonical | undefined {
  const { guild = "", channel, thread, message, collection = false } = resource;
  const path = [channel, thread, message].filter((id) => id !== undefined);
  if (![...(guild === "" ? [] : [guild]), ...path].every((id) => /^\d{1,20}$/.test(id))) return undefined;
  if (!collection && (guild === "" || channel === undefined || message === undefined)) return undefined;
  const url = { scheme: "discord", host: guild, port: "", strict: path, loose: path, query: [] };
  return { kind: "url", url, collection };
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
