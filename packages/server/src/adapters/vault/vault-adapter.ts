import type { Labels } from "@portcullis/contracts";
import type { VaultIndex } from "../../vault/vault-index.ts";
import type { Adapter, Permit, ServedFolder } from "../adapter.ts";
import { createLinksTool } from "./links.ts";
import { createNoteTool } from "./note.ts";
import { createSights } from "./sight.ts";
import { createTagsTool } from "./tags.ts";

/**
 * Reads a permitted file by the path that policy judged; by its own means it makes sure that what it opens is what `permit` allows. Throws
 * `CallError`.
 */
export type ReadFile = (
  path: string,
  permit: Permit,
  signal: AbortSignal,
) => Promise<{ readonly bytes: Buffer; readonly mtimeMs: number }>;

export interface VaultAdapterOptions {
  /** The adapter's, and the index's in `index://NAME/`, which is what policies allow. */
  readonly name: string;
  readonly folders: readonly ServedFolder[];
  /** The files of a served folder, by its real path. Undefined for a folder that is no vault. */
  readonly vaults: (source: string) => Promise<VaultIndex | undefined>;
  /** The http(s) URL under which a document can be opened. */
  readonly permalink: (id: string) => string;
  readonly read: ReadFile;
  readonly labels: Labels;
}

/** What the tools work with. */
export type VaultTools = VaultAdapterOptions & { readonly look: ReturnType<typeof createSights> };

/** Markdown vaults as Obsidian keeps them: `vault.note`, `vault.links` and `vault.tags`. Links never lead from one served folder to another. */
export function createVaultAdapter(options: VaultAdapterOptions): Adapter {
  const world: VaultTools = { ...options, look: createSights(options) };
  const tools = [createNoteTool(world), createLinksTool(world), createTagsTool(world)];
  return { name: options.name, tools: () => tools };
}
