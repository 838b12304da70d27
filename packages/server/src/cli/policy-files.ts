import { type Dirent, readdirSync } from "node:fs";

export interface Walked {
  /** Absolute paths, NFC, in order. */
  readonly files: readonly string[];
  /** False when there are more, or folders that cannot be read. */
  readonly all: boolean;
}

/** Every file under a folder, hidden ones too; links are not followed. At most `most` of them. */
export function walkFiles(folder: string, most: number): Walked {
  const files: string[] = [];
  let all = true;
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const entries = entriesOf(at);
    all &&= entries !== undefined;
    for (const entry of entries ?? []) {
      const path = `${at === "/" ? "" : at}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && files.length >= most) return { files: files.sort(), all: false };
      else if (entry.isFile()) files.push(path.normalize("NFC"));
    }
  }
  return { files: files.sort(), all };
}

function entriesOf(folder: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(folder || "/", { withFileTypes: true });
  } catch {
    return undefined;
  }
}
