import { type Resource, toUri } from "@portcullis/contracts";
import { pathOf } from "../policy/canonical.ts";

/** What labels of a resource are kept under: a file has the same in a folder and in a repository, and an upstream server one for all of its tools. */
export const markOf = (resource: Resource): string =>
  isUpstream(resource)
    ? new URL("/", toUri(resource)).href
    : toUri(resource.kind === "git" ? { kind: "path", path: pathOf(resource) } : withoutCollection(resource));

/** Whether a resource is a tool of an upstream MCP server. */
export const isUpstream = (resource: Resource): boolean =>
  resource.kind === "url" && resource.href.startsWith("mcp://");

/** Whether a resource is a prompt or a model of the owner's: nothing is kept in one. */
export const isFixed = (resource: Resource): boolean =>
  resource.kind === "url" && /^(prompt|model):/.test(resource.href);

const withoutCollection = (resource: Resource): Resource =>
  resource.kind === "path" ? { kind: "path", path: resource.path } : resource;
