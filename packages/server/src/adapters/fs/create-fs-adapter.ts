import type { Place } from "../../files/canonical-path.ts";
import { createRoots } from "../../files/roots.ts";
import type { Adapter, ServedFolder } from "../adapter.ts";
import { createList, type ListLimits } from "./list.ts";
import { createReadFile } from "./read-file.ts";
import { createStat } from "./stat.ts";

interface FsOptions {
  readonly name: string;
  readonly folders: readonly ServedFolder[];
  /** What `~/` stands for: an absolute real path. */
  readonly home: string;
  readonly list?: ListLimits;
}

const listLimits: ListLimits = { entries: 1_000, seen: 20_000, milliseconds: 5_000 };

/** Files and folders: `fs.readFile`, `fs.list`, `fs.stat`. Reads only. */
export function createFsAdapter({ name, folders, home, list = listLimits }: FsOptions): Adapter {
  const place: Place = { folders, home };
  const roots = createRoots(folders);
  const source = { place, roots };
  return {
    name,
    tools: () => [createReadFile(source), createList(source, list), createStat(source)],
    async start() {
      for (const folder of folders) await roots.open(folder);
    },
    async stop() {
      roots.close();
    },
  };
}
