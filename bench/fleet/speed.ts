// One tool call, `fs.readFile` of 4 KB over the WebSocket with every control on: a server on its data folder beside one whose state PostgreSQL and Redis keep.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../test/support/fleet/postgres.ts";
import { startRedis } from "../../test/support/fleet/redis.ts";
import { runPortcullis, startServer, stopServer } from "../../test/support/world.ts";
import { toPolicy } from "../many-scopes.ts";
import { machine, median, type Operation, table, time } from "../measure.ts";
import { marker, writeNotes } from "../notes.ts";
import { createSocketCaller } from "../socket-caller.ts";

const rounds = 5;
const base = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
const folder = join(base, "notes");
const nextNote = writeNotes(folder, 1_000);
const env = { PATH: process.env.PATH, HOME: base, FLEET_KEY: "a secret of thirty-two characters, at least" };
const [postgres, redis] = await Promise.all([startPostgres({ syncs: true }), startRedis({ syncs: false })]);
const { url } = postgres;
const shared = { key: "${FLEET_KEY}", identity: url, consent: url, policy: url, audit: url };

const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  embedded: {},
  "PostgreSQL and Redis": { ...shared, limits: redis.url, flows: redis.url },
};

interface Open {
  readonly call: Operation;
  close(): Promise<void>;
}

async function open(name: string, stores: Readonly<Record<string, string>>): Promise<Open> {
  const data = join(base, name.replaceAll(" ", "-"));
  mkdirSync(join(data, "policies"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "policies", "bench.yaml"), toPolicy("bench", folder, 1_000));
  const limits = { turnCalls: 100_000_000, turnCeiling: 100_000_000 };
  writeFileSync(join(data, "portcullis.yaml"), JSON.stringify({ limits, stores }));
  const { server, listening } = await startServer([folder, "--data", data], env);
  const made = await runPortcullis(["token", "create", "bench", "--subject", "bench", "--json", "--data", data], env);
  const { token } = JSON.parse(made.stdout) as { token: string };
  const { call, close } = await createSocketCaller({
    ...{ url: listening.websocket, token, tool: "fs.readFile", expected: marker },
    args: () => ({ path: nextNote() }),
  });
  return {
    call,
    async close() {
      close();
      await stopServer(server, "SIGTERM");
    },
  };
}

const results = new Map<string, { one: number[]; sixteen: number[]; rate: number[] }>();
const servers = new Map<string, Open>();
for (const [name, stores] of Object.entries(kinds)) {
  servers.set(name, await open(name, stores));
  results.set(name, { one: [], sixteen: [], rate: [] });
}
// Rounds take turns between the servers, so that what else the machine does falls on all of them alike.
for (let round = 0; round <= rounds; round++)
  for (const [name, { call }] of servers) {
    const one = await time(call, { count: 300, width: 1 });
    const sixteen = await time(call, { count: 1_600, width: 16 });
    if (round === 0) continue;
    const result = results.get(name);
    result?.one.push(one.p50);
    result?.sixteen.push(sixteen.p50);
    result?.rate.push(sixteen.rate);
  }

const floor = results.get("embedded");
const ratioOf = (mine: readonly number[] | undefined, peer: readonly number[] | undefined): string =>
  median((mine ?? []).map((value, round) => value / (peer?.[round] ?? Number.NaN))).toFixed(2);
const whole = (value: number): string => Math.round(value).toString();
console.log(`fs.readFile of 4 KB over the WebSocket, 1,000 scopes, all controls; median of ${rounds} rounds`);
console.log(machine());
console.log(
  table([
    ["who keeps the state", "p50 \u00b5s", "ratio", "16 at once p50 \u00b5s", "ratio", "calls/s"],
    ...[...results].map(([name, { one, sixteen, rate }]) => [
      ...[name, whole(median(one)), ratioOf(one, floor?.one)],
      ...[whole(median(sixteen)), ratioOf(sixteen, floor?.sixteen), whole(median(rate))],
    ]),
  ]),
);
console.log("Aim: at most 2.00 of the embedded server at 16 at once.");

for (const { close } of servers.values()) await close();
await postgres.stop();
await redis.stop();
rmSync(base, { recursive: true, force: true });
