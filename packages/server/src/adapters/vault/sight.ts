import { toPolicyPath } from "../../search/document-id.ts";
import type { VaultFile, VaultIndex } from "../../vault/vault-index.ts";
import { createView, type View } from "../../vault/view.ts";
import type { Permit, ServedFolder } from "../adapter.ts";
import type { VaultAdapterOptions } from "./vault-adapter.ts";

/** A served folder as one caller sees it. */
export interface Sight {
  readonly folder: ServedFolder;
  readonly index: VaultIndex;
  readonly view: View;
}

/** Ids beyond are judged each time, so that no index can make the memory of verdicts grow without bound. */
const mostRemembered = 1 << 22;

const yes = 1;
const no = 2;

/** What policy has said about the files of one index, by id; an id never changes its path. */
function createVerdicts(): (id: number, judge: () => boolean) => boolean {
  let known = new Uint8Array(1_024);
  return (id, judge) => {
    if (id >= mostRemembered) return judge();
    if (known.length <= id) {
      const grown = new Uint8Array(Math.max(known.length * 2, id + 1));
      grown.set(known);
      known = grown;
    }
    if (known[id] === 0 || known[id] === undefined) known[id] = judge() ? yes : no;
    return known[id] === yes;
  };
}

/**
 * Makes the sight of a permit. Each file is judged by policy before anything is told of it. Verdicts are remembered under the permit's view,
 * which is another object as soon as policy could say something else; without one they last for the call.
 */
export function createSights({ folders, vaults }: Pick<VaultAdapterOptions, "folders" | "vaults">) {
  const remembered = new WeakMap<object, WeakMap<VaultIndex, ReturnType<typeof createVerdicts>>>();

  const verdictsOf = (permit: Permit & { readonly view?: object }, index: VaultIndex) => {
    const key = permit.view ?? permit;
    let byIndex = remembered.get(key);
    if (!byIndex) {
      byIndex = new WeakMap();
      remembered.set(key, byIndex);
    }
    let verdicts = byIndex.get(index);
    if (!verdicts) {
      verdicts = createVerdicts();
      byIndex.set(index, verdicts);
    }
    return verdicts;
  };

  return async (permit: Permit): Promise<readonly Sight[]> => {
    const indexes = await Promise.all(folders.map(({ path }) => vaults(path)));
    return folders.flatMap((folder, at) => {
      const index = indexes[at];
      if (!index) return [];
      const verdicts = verdictsOf(permit, index);
      const sees = ({ id, path }: VaultFile): boolean =>
        verdicts(id, () => permit.allows({ kind: "path", path: toPolicyPath({ source: folder.path, path }) }));
      return [{ folder, index, view: createView(index, sees) }];
    });
  };
}
