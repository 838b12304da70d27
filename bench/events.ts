// One file that changes, told to a thousand subscribers: each judged, scrubbed and recorded, beside a bare watcher that broadcasts to as many sockets.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watch } from "chokidar";
import WebSocket, { WebSocketServer } from "ws";
import { runPortcullis, startServer, stopServer } from "../test/support/world.ts";
import { machine, table } from "./measure.ts";

const subscribers = 1_000;
const rounds = 30;
const aim = 100;
const base = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
const [folder, data] = [join(base, "notes"), join(base, "data")];
mkdirSync(folder);
mkdirSync(join(data, "policies"), { recursive: true });
const policy = 'subject: bench\npurpose: optional\nscopes: [{ tool: fs.watch, allow: ["@served/**"] }]\n';
writeFileSync(join(data, "policies", "bench.yaml"), policy);
writeFileSync(join(data, "portcullis.yaml"), "limits: { turnCalls: 100000000, turnCeiling: 100000000 }\n");

const env = { PATH: process.env.PATH, HOME: base };
const { server, listening } = await startServer([folder, "--data", data], env);
const made = await runPortcullis(["token", "create", "bench", "--subject", "bench", "--json", "--data", data], env);
const { token } = JSON.parse(made.stdout) as { token: string };

/** Calls `told` with each message that names a file, once `subscribers` sockets are ready for them. */
async function dialAll(url: string, told: (text: string) => void, greet: readonly object[]): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let number = 0; number < subscribers; number++) {
    const socket = new WebSocket(url, "portcullis.v1", { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    for (const message of greet) {
      const answered = new Promise((resolve) => socket.once("message", resolve));
      socket.send(JSON.stringify(message));
      await answered;
    }
    socket.on("message", (bytes: Buffer) => told(bytes.toString("utf8")));
    sockets.push(socket);
  }
  return sockets;
}

interface Figures {
  /** From the write to the first subscriber, and from there to the last but one in a hundred and to the last, in ms. */
  readonly first: number[];
  readonly p99: number[];
  readonly last: number[];
  /** From the write to the 99th of a hundred. */
  readonly whole: number[];
}

async function measure(url: string, greet: readonly object[]): Promise<Figures> {
  const figures: Figures = { first: [], p99: [], last: [], whole: [] };
  let times: number[] = [];
  let name = "";
  let done = (): void => {};
  const sockets = await dialAll(
    url,
    (text) => {
      if (!text.includes(name)) return;
      times.push(performance.now());
      if (times.length === subscribers) done();
    },
    greet,
  );
  for (let round = 0; round <= rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    times = [];
    name = `round-${round}.md`;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const written = performance.now();
    writeFileSync(join(folder, name), "x");
    await all;
    // The first round warms up.
    if (round === 0) continue;
    const [first = 0, p99 = 0, last = 0] = [times[0], times[Math.ceil(subscribers * 0.99) - 1], times.at(-1)];
    figures.first.push(first - written);
    figures.p99.push(p99 - first);
    figures.last.push(last - first);
    figures.whole.push(p99 - written);
  }
  for (const socket of sockets) socket.terminate();
  for (let round = 0; round <= rounds; round++) rmSync(join(folder, `round-${round}.md`));
  return figures;
}

const bare = createServer();
const broadcast = new WebSocketServer({ server: bare, perMessageDeflate: false });
const watcher = watch(folder, { ignoreInitial: true }).on("all", (kind, path) => {
  for (const socket of broadcast.clients) socket.send(JSON.stringify({ kind, path }));
});
await new Promise<void>((resolve) => bare.listen(0, "127.0.0.1", resolve));

const greet = [
  { jsonrpc: "2.0", id: 1, method: "auth.exchange", params: { token } },
  { jsonrpc: "2.0", id: 2, method: "events.subscribe", params: { topic: "fs.watch", params: { dir: "." } } },
];
const ours = await measure(listening.websocket, greet);
const theirs = await measure(`ws://127.0.0.1:${(bare.address() as AddressInfo).port}/`, []);

const at = (values: readonly number[], share: number): string => {
  const sorted = [...values].sort((a, b) => a - b);
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1)} ms`;
};
const row = (name: string, { first, p99, last, whole }: Figures): readonly string[] => [
  name,
  at(first, 0.5),
  at(p99, 0.5),
  at(last, 0.5),
  at(whole, 0.5),
  at(whole, 0.95),
];
console.log(
  `${subscribers} subscribers, one file, ${rounds} rounds; medians, and of the whole also the 95th of a hundred rounds.`,
);
console.log(
  table([
    ["", "write to first", "first to p99", "first to last", "write to p99", "write to p99 (p95)"],
    row("bare watcher, no controls", theirs),
    row("Portcullis", ours),
  ]),
);
console.log(`The aim for the way from the first subscriber to p99 is ${aim} ms. The watcher itself gathers for 25 ms.`);
console.log(machine());

await watcher.close();
broadcast.close();
bare.close();
await stopServer(server, "SIGTERM");
rmSync(base, { recursive: true, force: true });
process.exit(0);
