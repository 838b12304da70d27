import type { Resource } from "@portcullis/contracts";
import { fromDocumentId, locate, toPolicyPath } from "../../search/document-id.ts";
import type { VaultAdapterOptions } from "./vault-adapter.ts";

type World = Pick<VaultAdapterOptions, "name" | "folders">;

/** Names are looked up among all that the caller may see, so they touch the whole index; an id touches its path too. */
export const touchedBy =
  ({ name, folders }: World) =>
  ({ note }: { readonly note: string }): readonly Resource[] => {
    const whole = { kind: "index", name, collection: true } as const;
    const folder = fromDocumentId(note)?.folder;
    return folders.some((each) => each.name === folder) ? [whole, toResource(folders, note)] : [whole];
  };

/** What policy judges for an id of an answer. */
export const toResource = (folders: World["folders"], id: string): Resource => ({
  kind: "path",
  path: toPolicyPath(locate(folders, id)),
});
