import { CallError } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import type { ResourceKind, Topic } from "../adapters/adapter.ts";

const Params = Type.Object(
  { uri: Type.String({ minLength: 1, maxLength: 12_288, description: "The resource's URI." }) },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** `resources.watch`: a resource of another server has changed, as far as that server says so. Files are followed with `fs.watch`. */
export function createResourceTopic(kinds: () => readonly ResourceKind[]): Topic<Params> {
  const find = (uri: string): ResourceKind => {
    const found = kinds().find(({ scheme, watch }) => watch && uri.startsWith(scheme));
    if (found) return found;
    throw new CallError("VALIDATION_ERROR", "Nobody can tell when a resource of this kind changes.", {
      details: { at: "uri", next: "Files are followed with fs.watch." },
    });
  };
  return {
    name: "resources.watch",
    title: "Follow a resource",
    summary: "Tells when a resource of another server has changed.",
    safety: "Tells that it has changed, and nothing that is in it.",
    // The server is told what is followed.
    labels: { egress: true },
    params: Params,
    touches: ({ uri }) => find(uri).touches(uri),
    async open({ uri }, { signal, tell }) {
      const happened = (): void => tell({ event: "resource.updated", data: { uri }, key: uri });
      await find(uri).watch?.(uri, { signal, changed: happened });
    },
    show(happening, allows) {
      const uri = String(happening.data.uri);
      return find(uri).touches(uri).every(allows) ? happening : undefined;
    },
    resources: ({ data: { uri } }) => find(String(uri)).touches(String(uri)),
    merge: (_before, after) => after,
  };
}
