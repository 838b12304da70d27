// 10,000 MCP sessions that their clients abandon: what they cost the server's memory, beside as many requests that open none.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assemble } from "../packages/server/src/assemble.ts";
import { readSettings } from "../packages/server/src/config/read-settings.ts";
import { createToken } from "../packages/server/src/identity/tokens.ts";
import { createMcpHttp } from "../packages/server/src/transports/mcp/http.ts";
import { machine } from "./measure.ts";

const count = Number(process.env.SESSIONS ?? 10_000);
/** The promise, in MB. */
const most = 20;

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
const mb = (bytes: number): number => bytes / 1024 / 1024;
async function memory(): Promise<{ heap: number; rss: number }> {
  for (let time = 0; time < 3; time++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: mb(heapUsed + external), rss: mb(rss) };
}

const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-bench-")));
const [notes, data] = [join(base, "notes"), join(base, "data")];
mkdirSync(join(data, "policies"), { recursive: true, mode: 0o700 });
mkdirSync(notes);
writeFileSync(
  join(data, "policies", "bench.yaml"),
  'subject: bench\nscopes:\n  - { tool: "*", allow: ["@served/**"] }\n',
);
const assembly = await assemble({
  data,
  settings: readSettings(data, { folders: [notes] }, {}),
  folders: [{ name: "notes", path: notes }],
  home: base,
  url: () => "http://127.0.0.1",
  log: { info: () => {}, error: (facts, message) => console.error(message, facts) },
});
// As many grants as a server with many users has: the bound over all of them counts then.
const tokens: string[] = [];
for (let n = 0; n < 20; n++) {
  const wanted = { name: `t${n}`, subject: "bench", expiresAt: null };
  tokens.push((await createToken(assembly.tokens, wanted, Date.now())).token);
}
const mcp = createMcpHttp({ corridor: assembly.corridor, profile: "full", now: () => performance.now() });
const server = createServer((incoming, response) => {
  const token = incoming.headers.authorization?.slice("Bearer ".length) ?? "";
  void mcp.handle(incoming, response, { credential: { kind: "token", token } });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const post = (token: string, body: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    const asked = request({ port, host: "127.0.0.1", path: "/mcp", method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    asked.once("error", reject);
    asked.end(body);
  });

async function flood(times: number, body: (n: number) => string): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < times) {
      const n = next++;
      const status = await post(tokens[n % tokens.length] ?? "", body(n));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  return statuses;
}

const initialize = (id: number): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    id,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "abandoner", version: "1" } },
  });
// Identified, answered and recorded like the other, but refused: no session comes of it.
const nothing = (id: number): string => JSON.stringify({ jsonrpc: "2.0", id, method: "tools/list" });

console.log(machine());
await flood(1_000, nothing);
await flood(count, nothing);
const floor = await memory();
const statuses = await flood(count, initialize);
const after = await memory();
const grown = after.heap - floor.heap;
console.log(`${count} sessions asked for, ${statuses.get(200) ?? 0} opened, all of them abandoned.`);
console.log(
  `Memory in use: ${floor.heap.toFixed(1)} MB with ${count} requests without a session, ${after.heap.toFixed(1)} MB then.`,
);
console.log(
  `(The process: ${floor.rss.toFixed(0)} MB, ${after.rss.toFixed(0)} MB, rubbish that was not handed back among it.)`,
);
console.log(`They cost ${grown.toFixed(1)} MB. Aim: under ${most} MB.`);
agent.destroy();
await mcp.close();
server.close();
await assembly.stop(0);
rmSync(base, { recursive: true, force: true });
if (grown >= most) process.exitCode = 1;
