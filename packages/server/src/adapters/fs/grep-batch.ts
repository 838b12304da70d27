import { openPinned } from "../../files/read-pinned.ts";
import type { FoundFile } from "./find-files.ts";
import type { Sought } from "./grep-lines.ts";
import type { GrepFound, OpenFile } from "./grep-messages.ts";
import type { GrepThread } from "./grep-threads.ts";

/** What one thread is given at a time. */
const mostFiles = 64;
const mostBytes = 4 * 1024 * 1024;

interface Held extends OpenFile {
  readonly path: string;
  close(): void;
}

interface Ask {
  readonly sought: Sought;
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Files that are open and wait to be searched together. */
export interface GrepBatch {
  /** Opens a file that is pinned; one that cannot be opened any more is left out. */
  add(file: FoundFile): Promise<void>;
  isFull(): boolean;
  /** Has them searched, and closes them. */
  search(thread: GrepThread, ask: Ask): Promise<readonly { readonly path: string; readonly found: GrepFound }[]>;
  close(): void;
}

export function createGrepBatch(): GrepBatch {
  let files: Held[] = [];
  let bytes = 0;
  const close = (): void => {
    for (const file of files) file.close();
    files = [];
    bytes = 0;
  };
  return {
    async add({ path, pinned: { stat, engine }, pinned }) {
      try {
        const fd = await openPinned(pinned, engine);
        files.push({ path, fd, size: stat.size, close: () => engine.close(fd) });
        bytes += stat.size;
      } catch {
        // It went, or the system does not let us read it; telling so would tell of it.
      }
    },
    isFull: () => files.length >= mostFiles || bytes >= mostBytes,
    async search(thread, { signal, ...ask }) {
      const asked = files;
      // A thread that is given up reads on for a moment from whatever the numbers mean by then; its answer reaches nobody.
      try {
        const told = await thread.ask({ ...ask, files: asked.map(({ fd, size }) => ({ fd, size })) }, signal);
        return told.found.map((found, index) => ({ path: asked[index]?.path ?? "", found }));
      } finally {
        close();
      }
    },
    close,
  };
}
