import { setTimeout as delay } from "node:timers/promises";
import type { ServedFolder } from "../adapters/adapter.ts";
import { createFolderTree, isSameStamp, noStamp } from "../search/folder-tree.ts";
import { createRules, readRulesOf } from "../search/ignore-rules.ts";
import { createPace } from "../search/pace.ts";
import { walk } from "../search/walk.ts";
import { type Holder, readHolder } from "../stores/data-folder.ts";
import type { TextIndex } from "../stores/store.ts";
import type { Invocation } from "./command.ts";
import { type Exit, exits } from "./exit.ts";
import { openServer } from "./open-server.ts";
import { type Output, toTable } from "./output.ts";
import { inert, toCount, toDuration, toSize } from "./terminal-text.ts";

interface FolderStatus {
  readonly name: string;
  readonly path: string;
  readonly documents: number;
  readonly passages: number;
  readonly bytes: number;
  /** Files that are new, changed or gone since they were indexed. */
  readonly pending: number;
  readonly failed: number;
}

interface Status extends Omit<FolderStatus, "name" | "path"> {
  /** `following`: a server keeps it so; `indexing`: a server is at it; `waiting`: no server runs; `settled`: nothing waits, and no server runs. */
  readonly state: "following" | "indexing" | "waiting" | "settled";
  readonly server?: Holder;
  /** Files a second, and how long the pending ones take; only while they can be told. */
  readonly ratePerSecond?: number;
  readonly secondsLeft?: number;
  readonly folders: readonly FolderStatus[];
  readonly failures: readonly { readonly path: string; readonly reason: string }[];
}

const mostFailures = 100;
const mostShown = 20;
const sampleMs = 1_000;
/** How long nothing may happen while files wait: longer than the slowest file may take. */
const patienceMs = 120_000;
/** Of what a look costs, how long it is rested: the files are the server's to read. */
const rest = 4;

/** `portcullis index status`: what the index has beside what the folders hold, whoever indexes it. */
export async function status(invocation: Invocation): Promise<Exit> {
  const { values, output, data } = invocation;
  const server = await openServer({ ...invocation, positionals: [] });
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    const look = (): Promise<Look> => lookAt(server, data);
    let seen = await look();
    const first = seen;
    let moved = seen;
    const watching = values.watch === true;
    // One look tells how much there is; only two tell how fast it grows less.
    while (seen.status.state === "indexing" && !stopped.signal.aborted) {
      await delay(Math.max(sampleMs, seen.tookMs * rest), undefined, { signal: stopped.signal }).catch(() => {});
      const next = await look();
      seen = { ...next, status: { ...next.status, ...speed(first, next) } };
      if (!watching) break;
      if (next.status.pending !== moved.status.pending || next.status.documents !== moved.status.documents)
        moved = next;
      if (next.at - moved.at > patienceMs) {
        output.err(`The server has indexed nothing for ${toDuration(patienceMs / 1_000)}. → portcullis doctor`);
        break;
      }
      if (output.json) output.out(JSON.stringify(seen.status));
      else if (output.terminal) process.stderr.write(`\r\u001b[K${toProgress(seen.status)}`);
    }
    if (watching && output.terminal) process.stderr.write("\r\u001b[K");
    if (!output.json) output.out(toText(seen.status));
    else if (!watching || seen === first) output.out(JSON.stringify(seen.status));
    const settled = seen.status.pending === 0;
    if (!settled && seen.status.state === "waiting") tellNext(output, seen.status);
    return watching && !settled ? exits.no : exits.ok;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    await server.stop(0);
  }
}

function tellNext(output: Output, { folders }: Status): void {
  const next = folders.filter(({ pending }) => pending > 0).map(({ path }) => path);
  output.err(inert(`No server runs to index what waits.\n  → portcullis index add ${next.join(" ")}`));
}

interface Look {
  readonly status: Status;
  readonly at: number;
  readonly tookMs: number;
}

async function lookAt(
  { index, folders }: { readonly index: TextIndex; readonly folders: readonly ServedFolder[] },
  data: string,
): Promise<Look> {
  const began = performance.now();
  const failures: { path: string; reason: string }[] = [];
  const each: FolderStatus[] = [];
  for (const folder of folders) each.push(await lookAtFolder(index, folder, (failure) => failures.push(failure)));
  const total = (of: "documents" | "passages" | "bytes" | "pending" | "failed"): number =>
    each.reduce((sum, folder) => sum + folder[of], 0);
  const pending = total("pending");
  const server = runningServer(data);
  const at = performance.now();
  return {
    at,
    tookMs: at - began,
    status: {
      state: server ? (pending > 0 ? "indexing" : "following") : pending > 0 ? "waiting" : "settled",
      documents: total("documents"),
      passages: total("passages"),
      bytes: total("bytes"),
      pending,
      failed: total("failed"),
      ...(server && { server }),
      folders: each,
      failures: failures.slice(0, mostFailures),
    },
  };
}

async function lookAtFolder(
  index: TextIndex,
  { name, path: source }: ServedFolder,
  fail: (failure: { path: string; reason: string }) => void,
): Promise<FolderStatus> {
  const pace = createPace();
  const known = await index.files(source);
  const sum = { documents: 0, passages: 0, bytes: 0, failed: 0 };
  const failed = (path: string, reason: string): void => {
    sum.failed++;
    fail({ path: `${name}/${path}`, reason });
  };
  for (const { path, reason, documents, passages, size } of known.values()) {
    await pace();
    if (reason !== undefined) {
      failed(path, reason);
      continue;
    }
    sum.documents += documents;
    sum.passages += passages;
    sum.bytes += size;
  }
  const tree = createFolderTree(source);
  const seen = new Set<string>();
  const unlisted: string[] = [];
  let pending = 0;
  for await (const found of walk({ tree, rules: createRules(readRulesOf(tree)), pace })) {
    if ("unreadable" in found) {
      unlisted.push(found.path);
      failed(found.path, found.unreadable.message);
      continue;
    }
    seen.add(found.path);
    const file = known.get(found.path);
    // A file whose rights refuse it is tried again at each start, and is no work left over.
    const settled =
      file && (isSameStamp(file, found.finding.stamp) || (file.reason !== undefined && isSameStamp(file, noStamp)));
    if (!settled) pending++;
  }
  for (const path of known.keys()) {
    await pace();
    if (!seen.has(path) && !unlisted.some((inside) => inside === "" || path.startsWith(`${inside}/`))) pending++;
  }
  return { name, path: source, ...sum, pending };
}

/** The server of a data folder, as far as its process is there; it is not asked. */
function runningServer(data: string): Holder | undefined {
  const holder = readHolder(data);
  if (!holder) return undefined;
  try {
    process.kill(holder.pid, 0);
    return holder;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? holder : undefined;
  }
}

function speed(first: Look, { status, at }: Look): Pick<Status, "ratePerSecond" | "secondsLeft"> {
  const done = first.status.pending - status.pending;
  const ratePerSecond = (done * 1_000) / (at - first.at);
  return done > 0 ? { ratePerSecond, secondsLeft: status.pending / ratePerSecond } : {};
}

function toProgress({ documents, pending, ratePerSecond, secondsLeft }: Status): string {
  const rate = ratePerSecond === undefined ? "" : `, ${Math.round(ratePerSecond)} a second`;
  const left = secondsLeft === undefined ? "" : `, ${toDuration(secondsLeft)} left`;
  return `  indexing   ${pending} files wait, ${documents} documents${rate}${left}`;
}

const count = (number: number): string => number.toLocaleString("en-US");

function toText(status: Status): string {
  const { state, server, folders, failures, failed, ratePerSecond, secondsLeft } = status;
  const rows = [...folders, ...(folders.length === 1 ? [] : [{ ...status, name: "all together" }])];
  const cells = rows.map((row) => [
    row.name,
    ...[row.documents, row.passages].map(count),
    toSize(row.bytes),
    ...[row.pending, row.failed].map(count),
  ]);
  const table = [["folder", "documents", "passages", "size", "waiting", "skipped"], ...cells];
  const who = server ? `The server ${server.url ?? ""} (pid ${server.pid})` : "No server runs";
  const says = {
    following: `${who} follows every change.`,
    indexing: `${who} is indexing${ratePerSecond === undefined ? "" : `, ${Math.round(ratePerSecond)} files a second`}${secondsLeft === undefined ? "" : `, ${toDuration(secondsLeft)} left`}.`,
    waiting: `${who}, so what waits is not indexed.`,
    settled: folders.length === 0 ? "Name one: portcullis index add DIR" : `${who}. Everything is indexed.`,
  };
  const shown = failures.slice(0, mostShown).map(({ path, reason }) => `  ${path}: ${reason}`);
  return inert(
    [
      ...(folders.length === 0 ? ["No folder is served yet, so nothing is indexed."] : [toTable(table)]),
      "",
      says[state],
      ...(failed > 0 ? ["", `${toCount(failed, "file is", "files or folders are")} not searchable:`, ...shown] : []),
      ...(failed > shown.length
        ? [`  … and ${count(failed - shown.length)} more${failed > failures.length ? "" : " (--json)"}`]
        : []),
    ].join("\n"),
  );
}
