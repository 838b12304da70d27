// How fast the product indexes and searches, beside FTS5 and ripgrep: `node bench/search/speed.ts [--part passages|rescan|backfill|import] [--large] [--scale 0.1]`.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "../measure.ts";
import { type Figure, report } from "./figures.ts";
import { measureBackfill } from "./parts/backfill.ts";
import { measureChatImport } from "./parts/chat-import.ts";
import { measurePassages } from "./parts/passages.ts";
import { measureRescan } from "./parts/rescan.ts";

const { values } = parseArgs({
  options: {
    part: { type: "string", multiple: true },
    large: { type: "boolean", default: false },
    scale: { type: "string", default: "1" },
  },
});
const scale = Number(values.scale);
if (!(scale > 0)) throw new Error(`--scale ${values.scale} is no number above 0.`);
const of = (count: number): number => Math.max(1, Math.round(count * scale));
const passages = of(values.large ? 1_000_000 : 100_000);
const asked = values.large ? { fts5: 100, ripgrep: 20 } : { fts5: 500, ripgrep: 40 };

/** Each part measures in an empty folder. */
const parts: Readonly<Record<string, { title: string; measure(base: string): Promise<readonly Figure[]> }>> = {
  passages: {
    title: `${passages.toLocaleString("en")} passages of 1.17 KB in notes of six languages; 500 queries of 2 to 8 words, one at a time`,
    measure: (base) => measurePassages({ base, passages, asked }),
  },
  rescan: {
    title: `${of(100_000).toLocaleString("en")} files of a hundred bytes`,
    measure: (base) => measureRescan({ base, files: of(100_000) }),
  },
  backfill: {
    title: `${of(100_000).toLocaleString("en")} passages are embedded by an endpoint on the loopback; a query every 20 ms meanwhile`,
    measure: (base) => measureBackfill({ base, passages: of(100_000) }),
  },
  import: {
    title: "A ChatGPT export put into a served folder, a query every 20 ms meanwhile",
    measure: (base) => measureChatImport({ base, bytes: of(250_000_000) }),
  },
};

const wanted = values.part ?? Object.keys(parts);
for (const name of wanted)
  if (!parts[name]) throw new Error(`There is no part ${name}; there are ${Object.keys(parts).join(", ")}.`);
console.log(machine());
for (const name of wanted) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-speed-")));
  try {
    const part = parts[name];
    if (part) console.log(report(part.title, await part.measure(base)));
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
