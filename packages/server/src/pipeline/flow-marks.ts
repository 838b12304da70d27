import { type Resource, toUri } from "@portcullis/contracts";
import { pathOf } from "../policy/canonical.ts";

/** What labels of a resource are kept under: a file has the same in a folder and in a repository. */
export const markOf = (resource: Resource): string =>
  toUri(resource.kind === "git" ? { kind: "path", path: pathOf(resource) } : withoutCollection(resource));

const withoutCollection = (resource: Resource): Resource =>
  resource.kind === "path" ? { kind: "path", path: resource.path } : resource;
