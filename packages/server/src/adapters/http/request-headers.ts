import { CallError } from "@portcullis/contracts";

const open = new Set([
  "accept",
  "accept-language",
  "cache-control",
  "content-language",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "user-agent",
]);

const defaults = {
  accept: "text/html, text/markdown, text/plain, application/json, application/xml;q=0.9, */*;q=0.5",
  "user-agent": "Portcullis",
};

/**
 * The headers that a caller may set, in lower case, with the defaults. The list is closed: credentials would be the model's to leak, and a header
 * such as X-HTTP-Method-Override or Metadata-Flavor would ask for more than the policy has judged.
 */
export function toRequestHeaders(asked: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(asked).map(([name, value]) => [name.toLowerCase(), value] as const);
  const refused = entries.find(([name]) => !open.has(name));
  if (refused) {
    throw new CallError("VALIDATION_ERROR", `The header ${JSON.stringify(refused[0].slice(0, 64))} cannot be set.`, {
      details: { at: "args.headers", reason: "header", allowed: [...open], next: "Leave that header out." },
    });
  }
  return { ...defaults, ...Object.fromEntries(entries) };
}
