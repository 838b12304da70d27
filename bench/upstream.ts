// One call of a tool of an upstream MCP server through Portcullis, over stdio and over HTTP, beside the same call to the same server without Portcullis:
// the MCP SDK's client on both sides, and every control on. The tool reads a file of 4 KB.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { runPortcullis, startServer, stopServer } from "../test/support/world.ts";
import { machine, median, type Operation, table, time } from "./measure.ts";
import { marker, writeNotes } from "./notes.ts";

const rounds = 7;
const base = mkdtempSync(join(tmpdir(), "portcullis-bench-upstream-"));
const [folder, data] = [join(base, "notes"), join(base, "data")];
const nextNote = writeNotes(folder, 1_000);
const [source, helpful] = [
  "--conditions=portcullis-source",
  join(import.meta.dirname, "../test/support/upstream/helpful-server.ts"),
];

const bare = spawn(process.execPath, [source, join(import.meta.dirname, "peers", "bare-sdk-server.ts")], {
  stdio: ["ignore", "pipe", "inherit"],
});
const far = await new Promise<string>((resolve, reject) => {
  createInterface(bare.stdout).once("line", (line) => resolve((JSON.parse(line) as { mcp: string }).mcp));
  bare.once("exit", (code) => reject(new Error(`The bare server ended with ${code}.`)));
});

const marks = '{ "*": { effect: read, labels: { untrusted: false, egress: false } }, %: { paths: [path] } }';
mkdirSync(join(data, "policies"), { recursive: true });
writeFileSync(
  join(data, "portcullis.yaml"),
  `limits: { turnCalls: 100000000, turnCeiling: 100000000 }
sources:
  - { kind: mcp, name: near, command: ${process.execPath}, args: ${JSON.stringify([source, helpful])}, tools: ${marks.replace("%", "read_file")} }
  - { kind: mcp, name: far, url: "${far}", tools: ${marks.replace("%", "fs_readFile")} }
`,
);
writeFileSync(
  join(data, "policies", "bench.yaml"),
  `subject: bench
scopes:
  - { tool: near.read_file, allow: ["mcp://near/**", "${folder}/**"] }
  - { tool: fs.readFile, allow: ["${folder}/**"] }
  - { tool: far.fs_readFile, allow: ["mcp://far/**", "${folder}/**"] }
`,
);
const env = { PATH: process.env.PATH, HOME: base };
const { server, listening } = await startServer([folder, "--data", data], env);
const made = await runPortcullis(["token", "create", "bench", "--subject", "bench", "--json", "--data", data], env);
const { token } = JSON.parse(made.stdout) as { token: string };

const open = async (transport: Transport): Promise<Client> => {
  const client = new Client({ name: "portcullis-bench", version: "1" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(transport);
  return client;
};
const ours = await open(
  new StreamableHTTPClientTransport(new URL(listening.mcp), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  }),
);
const direct = {
  stdio: await open(new StdioClientTransport({ command: process.execPath, args: [source, helpful] })),
  http: await open(new StreamableHTTPClientTransport(new URL(far))),
};
const names = new Set<string>();
for (const end = Date.now() + 30_000; names.size < 2 && Date.now() < end; ) {
  for (const { name } of (await ours.listTools()).tools) if (/^(near|far)/.test(name)) names.add(name);
  await new Promise((resolve) => setTimeout(resolve, 50));
}

const call =
  (client: Client, name: string): Operation =>
  async () => {
    const answer = await client.callTool({ name, arguments: { path: nextNote() } });
    if (!JSON.stringify(answer).includes(marker))
      throw new Error(`${name} answered ${JSON.stringify(answer).slice(0, 300)}`);
  };
const callers: Readonly<Record<string, { readonly call: Operation; readonly peer?: string; readonly aim?: number }>> = {
  "stdio, direct": { call: call(direct.stdio, "read_file") },
  "stdio, through Portcullis": { call: call(ours, "near_read_file"), peer: "stdio, direct", aim: 1.5 },
  // What the door and the controls cost without a server behind them.
  "Portcullis's own fs.readFile": { call: call(ours, "fs_readFile"), peer: "HTTP, direct" },
  "HTTP, direct": { call: call(direct.http, "fs_readFile") },
  "HTTP, through Portcullis": { call: call(ours, "far_fs_readFile"), peer: "HTTP, direct", aim: 2 },
};
const results = new Map<string, number[]>(Object.keys(callers).map((name) => [name, []]));
// Rounds take turns, so that what else the machine does falls on all of them alike.
for (let round = 0; round <= rounds; round++)
  for (const [name, { call: operation }] of Object.entries(callers)) {
    const { p50 } = await time(operation, { count: 300, width: 1 });
    if (round > 0) results.get(name)?.push(p50);
  }

console.log(
  `A tool of an upstream MCP server that reads 4 KB, one call after another; every control on; median of ${rounds} rounds`,
);
console.log(machine());
const rows = Object.entries(callers).map(([name, { peer, aim }]) => {
  const [mine, theirs] = [results.get(name) ?? [], results.get(peer ?? name) ?? []];
  const ratio = median(mine.map((value, round) => value / (theirs[round] ?? Number.NaN)));
  return [name, Math.round(median(mine)).toString(), peer ? ratio.toFixed(2) : "", aim ? `at most ${aim}` : ""];
});
console.log(table([["", "p50 \u00b5s", "ratio", "aim"], ...rows]));

for (const client of [ours, direct.stdio, direct.http]) await client.close();
await stopServer(server, "SIGTERM");
bare.kill();
rmSync(base, { recursive: true, force: true });
