import { CallError } from "@portcullis/contracts";

const longest = 8_192;

/** How the URIs of a source's resources begin. */
export const toResourceScheme = (source: string): string => `mcp://${source}/`;

/**
 * The URI of a stranger's resource here: its own behind its source's. Undefined for one that is no absolute URI, or that could be written in another way: policy
 * would then judge one spelling, and the server read another.
 */
export function toResourceUri(source: string, theirs: string): string | undefined {
  const uri = toResourceScheme(source) + theirs;
  const isOne =
    uri.length <= longest &&
    /^[a-z][a-z0-9+.-]*:/.test(theirs) &&
    !theirs.includes("#") &&
    isCanonical(uri) &&
    (isCanonical(theirs) || isCanonical(`${theirs}/`));
  return isOne ? uri : undefined;
}

const isCanonical = (text: string): boolean => URL.canParse(text) && new URL(text).href === text;

/** What a server calls the resource of ours. Throws `VALIDATION_ERROR` for a URI that names none. */
export function fromResourceUri(source: string, uri: string): string {
  const theirs = uri.slice(toResourceScheme(source).length);
  if (uri.startsWith(toResourceScheme(source)) && toResourceUri(source, theirs) === uri) return theirs;
  throw new CallError("VALIDATION_ERROR", `${JSON.stringify(uri.slice(0, 200))} is no resource of ${source}.`, {
    details: {
      at: "uri",
      next: `Write it as ${toResourceScheme(source)} and the server's own URI, as resources.list tells it: percent-encoded, without . or .. and fragment.`,
    },
  });
}
