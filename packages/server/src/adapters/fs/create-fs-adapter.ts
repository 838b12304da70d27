import type { Place } from "../../files/canonical-path.ts";
import { realPathOf } from "../../files/real-path.ts";
import { createRoots } from "../../files/roots.ts";
import { createVersions, type VersionLimits } from "../../files/versions.ts";
import type { Adapter, ServedFolder } from "../adapter.ts";
import { createGrep, type GrepLimits } from "./grep.ts";
import { createGrepThreads } from "./grep-threads.ts";
import { createList, type ListLimits } from "./list.ts";
import { createReadFile } from "./read-file.ts";
import { createFileResources } from "./resources.ts";
import { createStat } from "./stat.ts";
import { createWatch } from "./watch.ts";
import { createWatcher } from "./watcher.ts";
import { createWriteFile } from "./write-file.ts";

interface FsOptions {
  readonly name: string;
  readonly folders: readonly ServedFolder[];
  /** What `~/` stands for: an absolute real path. */
  readonly home: string;
  readonly list?: ListLimits;
  readonly grep?: GrepLimits;
  readonly write: {
    /** The folder of the old versions. */
    readonly versions: string;
    readonly limits: VersionLimits;
    /** The largest file that is written or replaced. */
    readonly bytes: number;
    /** The server's own folders, in which nothing is written. */
    readonly closed: readonly string[];
  };
}

const listLimits: ListLimits = { entries: 1_000, seen: 20_000, milliseconds: 5_000 };

const grepLimits: GrepLimits = { seen: 200_000, bytes: 2 ** 30, fileBytes: 16 * 1024 * 1024, milliseconds: 20_000 };

/** Files and folders: `fs.readFile`, `fs.list`, `fs.stat`, `fs.grep`, and `fs.writeFile`; and the topic `fs.watch`. */
export function createFsAdapter({
  name,
  folders,
  home,
  list = listLimits,
  grep = grepLimits,
  write,
}: FsOptions): Adapter {
  const place: Place = { folders, home };
  const roots = createRoots(folders);
  const source = { place, roots };
  const { bytes } = write;
  const versions = createVersions(write.versions, write.limits);
  const threads = createGrepThreads();
  const watcher = createWatcher();
  const closed = (): readonly string[] => write.closed.map(realPathOf);
  const tools = [
    createReadFile(source),
    createList(source, list),
    createStat(source),
    createGrep(source, threads, grep),
    createWriteFile(source, { versions, bytes, closed }),
  ];
  return {
    name,
    tools: () => tools,
    topics: () => [createWatch(source, watcher)],
    resources: () => [createFileResources(source)],
    async start() {
      for (const folder of folders) await roots.open(folder);
    },
    async stop() {
      await Promise.all([threads.stop(), watcher.stop()]);
      roots.close();
    },
  };
}
