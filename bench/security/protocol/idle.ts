import { fork } from "node:child_process";
import { join } from "node:path";
import { table } from "../../measure.ts";
import { type PortcullisTarget, processorMs, startBarePeer, type Target } from "./target.ts";

const quietMs = 60_000;
const aims = { kibibytes: 12, processor: 0.05 };

/** Thousands of sockets that are logged in and say nothing: what each costs in memory, and all of them in processor time. */
export async function measureIdle(target: PortcullisTarget, count: number): Promise<readonly string[]> {
  const bare = await startBarePeer();
  const ours = await hold(target, count);
  const theirs = await hold(bare, count);
  await bare.close();
  const row = (name: string, { each, used, processor, open }: Held): string[] => [
    name,
    `${open} of ${count}`,
    each.toFixed(1),
    used.toFixed(1),
    `${(processor * 100).toFixed(1)} %`,
  ];
  const failures = [
    ...(ours.open < count ? [`FAILED: only ${ours.open} of ${count} sockets stayed open.`] : []),
    ...(Math.max(ours.each, ours.used) > aims.kibibytes
      ? [`FAILED: a socket holds more than ${aims.kibibytes} KiB.`]
      : []),
    ...(ours.processor > aims.processor ? ["FAILED: the heartbeat takes more than 5 % of a core."] : []),
  ];
  return [
    table([
      ["idle sockets", "open after a minute", "KiB of RSS each", "of heap each", "of a core"],
      row("Portcullis, logged in", ours),
      row("bare ws, no logins, no heartbeat", theirs),
      ["aim", "", `${aims.kibibytes}`, "", "5 %"],
    ]),
    ...failures,
  ];
}

interface Held {
  readonly open: number;
  /** KiB of resident memory, which may have been held before, and KiB of heap and buffers that are in use. */
  readonly each: number;
  readonly used: number;
  readonly processor: number;
}

async function hold(server: Target, count: number): Promise<Held> {
  // A first few, so that what is loaded and compiled once is not counted.
  const first = await keep(server, Math.min(200, count));
  const before = await server.probe();
  const more = await keep(server, count);
  const after = await server.probe();
  const spent = processorMs(server.pid);
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  const per = (bytes: number): number => bytes / count / 1_024;
  const processor = (processorMs(server.pid) - spent) / quietMs;
  const open = await more.leave();
  await first.leave();
  return { open, each: per(after.rss - before.rss), used: per(after.used - before.used), processor };
}

/** The peers are another process: their memory and time are not the server's. */
async function keep({ port, token }: Target, count: number): Promise<{ leave(): Promise<number> }> {
  const child = fork(join(import.meta.dirname, "idle-peers.ts"), [`${port}`, `${count}`, token ?? ""]);
  const next = (): Promise<number> =>
    new Promise((resolve, reject) => {
      child.once("message", (message) => resolve(Number(message)));
      child.once("exit", () => reject(new Error("The idle peers have ended.")));
    });
  await next();
  return {
    async leave() {
      const told = next();
      child.send("leave");
      return told;
    },
  };
}
