import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { toServedMetadata } from "./client-metadata.ts";
import { createPace } from "./pace.ts";

/** Bytes of a document or key set, and how many are fetched in a minute at most: anyone may name a URL. */
const most = { bytes: 16_384, perMinute: 60 };

export interface MetadataFetchOptions {
  /** Without redirects: a metadata document lies where its client's id says. */
  readonly fetch: GuardedFetch;
  readonly now: () => number;
}

/** What the provider fetches with: client metadata documents, and the keys that they name. Public addresses alone are reached. */
export function createMetadataFetch({ fetch, now }: MetadataFetchOptions): (url: string | URL) => Promise<Response> {
  const pace = createPace({ perPeer: most.perMinute, perMinute: most.perMinute }, now);
  return async (target) => {
    if (!pace.admit()) throw new Error("Too many documents are fetched.");
    const url = String(target);
    const { status, headers, body } = await fetch({
      url,
      headers: { accept: "application/json" },
      maxBytes: most.bytes,
      reach: (hop) => (hop.protocol === "https:" ? "public" : "closed"),
    });
    const kept = { "content-type": "application/json", "cache-control": headers["cache-control"] ?? "" };
    return new Response(status === 200 ? toServed(new TextDecoder().decode(body), url) : null, {
      status,
      headers: kept,
    });
  };
}

/** A metadata document in the form that is served; key sets, and documents that are to be refused, as they are. */
function toServed(text: string, url: string): string {
  const given: unknown = JSON.parse(text);
  if (typeof given !== "object" || given === null || !("client_id" in given) || given.client_id !== url) return text;
  if ("client_secret" in given || "client_secret_expires_at" in given) return text;
  const served = toServedMetadata(given as Record<string, unknown>);
  if ("error" in served) throw new Error(served.description);
  return JSON.stringify({ ...served.metadata, client_id: url });
}
