import type { IndexChange, NewDocument, TextIndex } from "../stores/store.ts";
import type { Examined, IndexedFolder, Reading } from "./indexed-folder.ts";
import type { Prepared } from "./prepare.ts";
import type { SegmentBuilder } from "./segment/builder.ts";

/** Changes that are gathered to be written together. */
export interface Batch {
  /** Bytes of text in it, roughly. */
  readonly size: number;
  change(folder: IndexedFolder, change: Exclude<Examined, Reading>): void;
  /** Takes the documents of a file, writing whenever there are `most` bytes. */
  read(
    folder: IndexedFolder,
    file: Reading,
    options: { readonly most: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Takes back what it has of a file that could not be read to its end. */
  forget(folder: IndexedFolder, path: string): void;
  /** Writes everything, or nothing when it rejects; the batch is then empty. */
  write(): Promise<void>;
}

interface Gathered {
  readonly folder: IndexedFolder;
  readonly change: IndexChange;
}

export function createBatch({
  index,
  builder,
}: {
  readonly index: TextIndex;
  readonly builder: SegmentBuilder;
}): Batch {
  let gathered: Gathered[] = [];

  const take = ({ document, text }: Prepared): NewDocument => {
    const { number, about, text: words } = builder.add(text);
    return { ...document, number, about, words };
  };

  async function write(): Promise<void> {
    const segment = builder.take();
    const written = gathered;
    gathered = [];
    if (written.length === 0) return;
    await index.apply(
      written.map(({ change }) => change),
      segment,
    );
    for (const { folder, change } of written) folder.noted(change);
  }

  return {
    get size() {
      return builder.size;
    },
    change: (folder, change) => void gathered.push({ folder, change }),
    async read(folder, { key, stamp, sha256, documents }, { most, signal }) {
      const known = await index.parts(key);
      const parts = new Set<string>();
      let fresh: NewDocument[] = [];
      const flush = (): void => {
        gathered.push({ folder, change: { kind: "add", key, documents: fresh } });
        fresh = [];
      };
      for await (const prepared of documents) {
        signal.throwIfAborted();
        const { part, sha256: made } = prepared.document;
        // The second of two with one name would take the first one's place.
        if (parts.has(part)) continue;
        parts.add(part);
        if (part !== "" && known.get(part) === made) continue;
        fresh.push(take(prepared));
        if (builder.size < most) continue;
        flush();
        await write();
      }
      if (fresh.length > 0) flush();
      gathered.push({ folder, change: { kind: "done", key, stamp, sha256: sha256(), parts } });
    },
    forget(folder, path) {
      // What the segment has of it then belongs to no document, and so is not found.
      gathered = gathered.filter((each) => each.folder !== folder || each.change.key.path !== path);
    },
    write,
  };
}
