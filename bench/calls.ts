// One tool call, `fs.readFile` of 4 KB, through each door with every control on, beside a bare MCP SDK server that reads the same file with none.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runPortcullis, startServer, stopServer } from "../test/support/world.ts";
import { toPolicy } from "./many-scopes.ts";
import { createMcpCaller } from "./mcp-caller.ts";
import { machine, median, type Operation, table, time } from "./measure.ts";
import { marker, writeNotes } from "./notes.ts";
import { createSocketCaller } from "./socket-caller.ts";

const rounds = 7;
const scopes = 1_000;
const base = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
const [folder, data] = [join(base, "notes"), join(base, "data")];

const nextNote = writeNotes(folder, 1_000);
mkdirSync(join(data, "policies"), { recursive: true });
writeFileSync(join(data, "policies", "bench.yaml"), toPolicy("bench", folder, scopes));
writeFileSync(join(data, "portcullis.yaml"), "limits: { turnCalls: 100000000, turnCeiling: 100000000 }\n");

const bare = await startBare();
const env = { PATH: process.env.PATH, HOME: base };
const { server, listening } = await startServer([folder, "--data", data], env);
const made = await runPortcullis(["token", "create", "bench", "--subject", "bench", "--json", "--data", data], env);
const { token } = JSON.parse(made.stdout) as { token: string };

const ours = { url: listening.mcp, token, tool: "fs_readFile", args: () => ({ path: nextNote() }), expected: marker };
const theirs = { url: bare.url, tool: "fs_readFile", args: () => ({ path: nextNote() }), expected: marker };
const callers: Readonly<Record<string, { call: Operation; close(): void }>> = {
  "bare SDK, 2025-11-25": await createMcpCaller({ ...theirs, revision: "2025-11-25" }),
  "bare SDK, 2026-07-28": await createMcpCaller({ ...theirs, revision: "2026-07-28" }),
  "Portcullis MCP, 2025-11-25": await createMcpCaller({ ...ours, revision: "2025-11-25" }),
  "Portcullis MCP, 2026-07-28": await createMcpCaller({ ...ours, revision: "2026-07-28" }),
  "Portcullis WebSocket": await createSocketCaller({ ...ours, url: listening.websocket, tool: "fs.readFile" }),
};

/** Each is held against the bare server of its own revision; the WebSocket against the faster of the two, and then the other. */
const peerOf = (name: string): string => (name.includes("2026") ? "bare SDK, 2026-07-28" : "bare SDK, 2025-11-25");

const results = new Map<string, { sequential: number[]; p99: number[]; concurrent: number[]; rate: number[] }>();
for (const name of Object.keys(callers)) results.set(name, { sequential: [], p99: [], concurrent: [], rate: [] });
// Rounds take turns between the servers, so that what else the machine does falls on all of them alike.
for (let round = 0; round <= rounds; round++) {
  for (const [name, { call }] of Object.entries(callers)) {
    const sequential = await time(call, { count: 400, width: 1 });
    const concurrent = await time(call, { count: 1_600, width: 16 });
    if (round === 0) continue;
    const result = results.get(name);
    result?.sequential.push(sequential.p50);
    result?.p99.push(sequential.p99);
    result?.concurrent.push(concurrent.p50);
    result?.rate.push(concurrent.rate);
  }
}

const ratio = (name: string, what: "sequential" | "concurrent"): number => {
  const [mine, peer] = [results.get(name)?.[what] ?? [], results.get(peerOf(name))?.[what] ?? []];
  return median(mine.map((value, round) => value / (peer[round] ?? Number.NaN)));
};
const whole = (value: number): string => Math.round(value).toString();
console.log(
  `fs.readFile of 4 KB, 1,000 notes in turn; policy of ${scopes} scopes, limits, redaction, audit durable against kill -9; median of ${rounds} rounds`,
);
console.log(machine());
console.log(
  table([
    ["", "p50 \u00b5s", "p99 \u00b5s", "ratio", "16 at once p50 \u00b5s", "ratio", "calls/s"],
    ...[...results].map(([name, { sequential, p99, concurrent, rate }]) => [
      name,
      whole(median(sequential)),
      whole(median(p99)),
      ratio(name, "sequential").toFixed(2),
      whole(median(concurrent)),
      ratio(name, "concurrent").toFixed(2),
      whole(median(rate)),
    ]),
  ]),
);
const perModern = median(
  (results.get("Portcullis WebSocket")?.sequential ?? []).map(
    (value, round) => value / (results.get("bare SDK, 2026-07-28")?.sequential[round] ?? Number.NaN),
  ),
);
console.log(`The WebSocket beside the bare server's newest revision: ${perModern.toFixed(2)}.`);
console.log("Aims: MCP at most 1.25 of the bare server, WebSocket at most 0.60.");

for (const { close } of Object.values(callers)) close();
await stopServer(server, "SIGTERM");
bare.stop();
rmSync(base, { recursive: true, force: true });

async function startBare(): Promise<{ url: string; stop(): void }> {
  const child = spawn(
    process.execPath,
    ["--conditions=portcullis-source", join(import.meta.dirname, "peers", "bare-sdk-server.ts")],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`The bare server ended with ${code}.`)));
  });
  return { url: (JSON.parse(line) as { mcp: string }).mcp, stop: () => child.kill() };
}
