import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Figure, inMs, inSeconds, times } from "../figures.ts";
import { languages } from "../languages.ts";
import { peakDuring } from "../memory.ts";
import { createRandom } from "../random.ts";
import { launch } from "../server.ts";

/** What a start costs when nothing has changed since the last one. */
export async function measureRescan({ base, files }: { readonly base: string; readonly files: number }) {
  const [folder, data] = [join(base, "tiny"), join(base, "tiny-data")];
  writeTinyFiles(folder, files);
  const first = launch(folder, data);
  let indexed: number;
  try {
    indexed = (await first.ask("start", {})).ms;
  } finally {
    await first.stop();
  }
  const bare = walk(folder);
  const again = launch(folder, data);
  try {
    const { result, peak } = await peakDuring(again.pid, again.ask("start", {}));
    const late = await again.ask("loop", {});
    const { documents } = await again.ask("status", {});
    const share = files / 100_000;
    return [
      { what: "first start, until all is searchable", measured: inSeconds(indexed) },
      {
        what: "start without changes, from opening to nothing left to do",
        measured: inSeconds(result.ms),
        aim: inSeconds(3_000 * share),
        peer: `${inMs(bare)} (a bare walk with stat)`,
        ratio: times(result.ms / bare),
      },
      { what: "  processor time, all threads", measured: inSeconds(result.cpuMs) },
      { what: "  event loop late by, at most", measured: inMs(late), aim: "50 ms" },
      { what: "  memory at its peak", measured: `${Math.round(peak / 1e6)} MB`, aim: "400 MB" },
      { what: "  searchable then", measured: String(documents), aim: String(files) },
    ] satisfies Figure[];
  } finally {
    await again.stop();
  }
}

/** Files of about a hundred bytes, a hundred in each folder. */
function writeTinyFiles(folder: string, files: number): void {
  const random = createRandom(3);
  const language = languages[0]?.language;
  for (let number = 0; number < files; number++) {
    const into = join(folder, String(Math.floor(number / 10_000)), String(Math.floor(number / 100) % 100));
    if (number % 100 === 0) mkdirSync(into, { recursive: true });
    const words = Array.from({ length: 15 }, () => language?.word(random));
    writeFileSync(join(into, `${number}.md`), `# Note ${number}\n\n${words.join(" ")}\n`);
  }
}

/** How long it takes to look at every file once, in ms. */
function walk(folder: string): number {
  const began = performance.now();
  const look = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inside = join(path, entry.name);
      if (entry.isDirectory()) look(inside);
      else statSync(inside);
    }
  };
  look(folder);
  return performance.now() - began;
}
