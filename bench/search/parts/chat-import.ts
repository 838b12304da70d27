import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { writeChatExport } from "../chat-export.ts";
import { type Figure, inMegabytes, inMs, inSeconds, percentile } from "../figures.ts";
import { peakDuring, residentOf } from "../memory.ts";
import { writeTree } from "../notes-tree.ts";
import { launch, type Server } from "../server.ts";

/** How long the server is left alone before its memory counts as idle, in ms. */
const idleMs = 3_000;

const noticedWithinMs = 30_000;

/** What happens while a large ChatGPT export is taken up by a server that also answers queries. */
export async function measureChatImport({ base, bytes }: { readonly base: string; readonly bytes: number }) {
  const [folder, data] = [join(base, "chats"), join(base, "chats-data")];
  const tree = writeTree(folder, { seed: 5, passages: 1_000, queries: 100 });
  const made = join(base, "conversations.json");
  const { bytes: size, conversations } = writeChatExport(made, bytes);
  const server = launch(folder, data);
  try {
    await server.ask("start", {});
    await server.ask("times", { queries: tree.queries, limit: 10 });
    const before = await server.ask("status", {});
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const idle = residentOf(server.pid);
    await server.ask("loop", {});
    const began = performance.now();
    mkdirSync(join(folder, "export"));
    renameSync(made, join(folder, "export", "conversations.json"));
    await untilNoticed(server, before.documents);
    const asked = { queries: tree.queries, limit: 10, pauseMs: 20, untilSettled: true };
    const { result, peak } = await peakDuring(server.pid, server.ask("times", asked));
    const took = performance.now() - began;
    const late = await server.ask("loop", {});
    const after = await server.ask("status", {});
    return [
      { what: "export", measured: inMegabytes(size) },
      { what: "until all of it is searchable", measured: inSeconds(took) },
      {
        what: "conversations searchable",
        measured: String(after.documents - before.documents),
        aim: String(conversations),
      },
      { what: "memory above idle, at most", measured: inMegabytes(peak - idle) },
      { what: "  idle", measured: inMegabytes(idle) },
      { what: "event loop late by, at most", measured: inMs(late), aim: "50 ms" },
      { what: "query p50 meanwhile", measured: inMs(percentile(result, 0.5)) },
      { what: "query p99 meanwhile", measured: inMs(percentile(result, 0.99)) },
    ] satisfies Figure[];
  } finally {
    await server.stop();
  }
}

/** Before the new file is noticed there is nothing to wait for. */
async function untilNoticed(server: Server, documents: number): Promise<void> {
  const deadline = performance.now() + noticedWithinMs;
  while (performance.now() < deadline) {
    const status = await server.ask("status", {});
    if (status.pending > 0 || status.documents > documents || status.failed > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The export was not noticed within ${noticedWithinMs / 1_000} s.`);
}
