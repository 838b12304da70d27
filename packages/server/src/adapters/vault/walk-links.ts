import type { Steps } from "../../vault/steps.ts";
import type { VaultFile } from "../../vault/vault-index.ts";
import type { View } from "../../vault/view.ts";

export interface Walk {
  readonly reached: readonly { readonly file: VaultFile; readonly distance: number }[];
  readonly links: readonly { readonly from: VaultFile; readonly to: VaultFile }[];
  readonly unresolved: readonly { readonly from: VaultFile; readonly target: string }[];
  readonly truncated: boolean;
}

const most = { files: 300, links: 1_000, unresolved: 200 } as const;

/** Follows links from a file, the nearest first, until there are no more or enough. */
export function* walkLinks(
  view: View,
  from: VaultFile,
  { direction, depth }: { readonly direction: "out" | "in" | "both"; readonly depth: number },
): Steps<Walk> {
  const distances = new Map<number, { readonly file: VaultFile; readonly distance: number }>();
  const links = new Map<string, { readonly from: VaultFile; readonly to: VaultFile }>();
  const unresolved: { from: VaultFile; target: string }[] = [];
  let truncated = false;

  distances.set(from.id, { file: from, distance: 0 });
  const link = (source: VaultFile, to: VaultFile, reached: VaultFile, distance: number): void => {
    if (!distances.has(reached.id)) {
      if (distances.size > most.files) {
        truncated = true;
        return;
      }
      distances.set(reached.id, { file: reached, distance });
    }
    if (links.size < most.links) links.set(`${source.id} ${to.id}`, { from: source, to });
    else truncated ||= !links.has(`${source.id} ${to.id}`);
  };

  // A map is walked in the order of insertion, and goes on with what is inserted meanwhile.
  for (const { file, distance } of distances.values()) {
    if (distance >= depth) break;
    if (direction !== "in") {
      for (const { target, file: to } of yield* view.linksOf(file)) {
        if (to) link(file, to, to, distance + 1);
        else if (unresolved.length < most.unresolved) unresolved.push({ from: file, target });
        else truncated = true;
      }
    }
    if (direction !== "out") {
      for (const source of yield* view.backlinksOf(file)) link(source, file, source, distance + 1);
    }
  }
  return {
    reached: [...distances.values()].filter(({ distance }) => distance > 0),
    links: [...links.values()],
    unresolved,
    truncated,
  };
}
