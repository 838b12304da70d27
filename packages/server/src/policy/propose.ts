import { type Resource, toUri } from "@portcullis/contracts";
import { pathOf, toCanonical } from "./canonical.ts";
import { PatternError } from "./fault.ts";
import { escapeGlob } from "./glob.ts";
import { compileName } from "./name-pattern.ts";
import { compilePath } from "./path-pattern.ts";
import { toDocumentText } from "./scope-text.ts";
import { compileUrl, matchUrl } from "./url-pattern.ts";
import type { Proposal, Question, Reason } from "./verdict.ts";

/**
 * The smallest scope that would allow exactly this resource, as an object and as YAML lines to put at the end of any policy file: a document
 * of their own. Null where no pattern can say it.
 */
export function propose({ subject, tool, resource, purpose }: Question, reason: Reason): Proposal | null {
  const pattern = toPattern(resource);
  if (pattern === undefined || !isName(subject, "@") || !isName(tool, ".")) return null;
  const method = resource.kind === "url" ? resource.method : "GET";
  const text = purpose.text?.trim();
  const scope: Proposal["scope"] = {
    tool,
    allow: [pattern],
    ...(method !== "GET" && method !== "HEAD" && { methods: [method] }),
    ...(reason === "purpose_not_served" && text && { purposes: [escapeGlob(text)] }),
  };
  return { subject, scope, yaml: toDocumentText(subject, [{ ...scope, tool: [tool] }]) };
}

/** The pattern that matches one resource and no other; a collection's matches all that is in it. */
export function toPattern(resource: Resource): string | undefined {
  const canonical = toCanonical(resource);
  if (canonical === undefined) return undefined;
  try {
    switch (resource.kind) {
      case "path":
      case "git": {
        const path = escapeGlob(pathOf(resource));
        const pattern = resource.collection === true ? `${path === "/" ? "" : path}/**` : path;
        compilePath(pattern, "allow", { home: "", served: [] });
        return pattern;
      }
      case "url": {
        // Of mcp:, prompt: and model: there is no origin.
        const { protocol, host, pathname, search } = new URL(resource.href);
        const pattern = `${protocol}//${host}${escapeUrl(pathname)}${escapeUrl(search)}`;
        const fits = canonical.kind === "url" && matchUrl(compileUrl(pattern, "allow"), canonical.url, "allow");
        return fits ? pattern : undefined;
      }
      case "discord": {
        const uri = toUri(resource);
        return resource.collection !== true ? uri : uri === "discord://" ? "discord://*/**" : `${uri}/**`;
      }
      case "index":
        return "@served/**";
    }
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

const escapeUrl = (text: string): string =>
  text.replace(/[*[\]{}\\]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function isName(text: string, separator: "." | "@"): boolean {
  try {
    return compileName(text, separator).exact;
  } catch {
    return false;
  }
}
