import type { FileChange } from "./watch-messages.ts";

/** Tells a file from every other while it exists: device and inode. */
type Identity = string;

/**
 * What has become of the files of a folder between two looks. A file that is gone from one name and there under another one was renamed; one that
 * came and went meanwhile is not told.
 */
export class Changes {
  readonly #known = new Map<string, Identity>();
  /** What each path that was touched was before; undefined for nothing. */
  readonly #before = new Map<string, Identity | undefined>();

  /** A file is there now, or has changed. */
  present(path: string, identity: Identity): void {
    this.#touch(path);
    this.#known.set(path, identity);
  }

  gone(path: string): void {
    this.#touch(path);
    this.#known.delete(path);
  }

  get size(): number {
    return this.#before.size;
  }

  /** What happened since the last time. */
  take(): readonly FileChange[] {
    const removed = new Map<Identity, string>();
    for (const [path, before] of this.#before)
      if (before !== undefined && !this.#known.has(path)) removed.set(before, path);
    const changes: FileChange[] = [];
    const renamed = new Set<string>();
    for (const [path, before] of this.#before) {
      const now = this.#known.get(path);
      if (now === undefined) continue;
      const from = now === before ? undefined : removed.get(now);
      if (from !== undefined) {
        removed.delete(now);
        renamed.add(from);
        changes.push({ kind: "renamed", path, from });
      } else changes.push({ kind: before === undefined ? "added" : "changed", path });
    }
    for (const [path, before] of this.#before)
      if (before !== undefined && !this.#known.has(path) && !renamed.has(path)) changes.push({ kind: "removed", path });
    this.#before.clear();
    return changes;
  }

  #touch(path: string): void {
    if (!this.#before.has(path)) this.#before.set(path, this.#known.get(path));
  }
}
