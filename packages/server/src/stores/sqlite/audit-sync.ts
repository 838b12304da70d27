import { open } from "node:fs/promises";
import { join } from "node:path";
import { createShared } from "../engine.ts";

const patienceMs = 1_000;

/**
 * What brings all that `audit.db` of a folder has acknowledged to the disk. Commits stand in its WAL until they are moved, which syncs by itself; on the WAL
 * SQLite holds no locks that another descriptor of this process would drop, as it does on the database. Rejects when the disk does not answer in time.
 */
export function createAuditSync(folder: string): () => Promise<void> {
  const once = createShared(async () => {
    const file = await open(join(folder, "audit.db-wal"), "r+");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  });
  return () =>
    new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`The disk has not taken the audit's records for ${patienceMs} ms.`));
      const timer = setTimeout(late, patienceMs);
      once()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
}
