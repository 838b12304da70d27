// A long run of mixed calls through three doors, one in twenty an attack: `node bench/soak.ts [--calls 5000000] [--minutes 30] [--seed 1]`, whichever ends first.
// Fails when something gets out, an ordinary call is refused, memory or descriptors grow, or the audit does not hold every call.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { dialRaw } from "../test/support/socket-line.ts";
import { runPortcullis, startServer, stopServer } from "../test/support/world.ts";
import { machine, table } from "./measure.ts";
import { createRandom } from "./search/random.ts";
import { type Caller, overHttp, overMcp, overWebSocket, type Tokens } from "./soak/callers.ts";
import { buildHouse, marker, secrets, settings, toPolicies } from "./soak/house.ts";
import { plan } from "./soak/mix.ts";
import { type Sample, sample, trend } from "./soak/watch.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "5000000" },
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
  },
});
const [most, until] = [Number(values.calls), performance.now() + Number(values.minutes) * 60_000];
const random = createRandom(Number(values.seed));
const warm = Math.min(5_000, most / 5);
const widthOfEach = 6;

const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-soak-")));
const data = join(base, "data");
const { folder } = buildHouse(base);
mkdirSync(join(data, "policies"), { recursive: true, mode: 0o700 });
writeFileSync(join(data, "portcullis.yaml"), settings);

// What must never be reached, on this very machine.
let reached = 0;
const forbidden = createServer((_, response) => {
  reached++;
  response.end(marker);
}).listen(0);
const { port } = forbidden.address() as AddressInfo;
const leading = createServer(({ url = "" }, response) => {
  const to = new URL(url, "http://127.0.0.1").searchParams.get("to");
  response
    .writeHead(to === null ? 200 : 302, to === null ? {} : { location: Buffer.from(to).toString("latin1") })
    .end();
}).listen(0, "127.0.0.1");
await once(leading, "listening");
const { port: allowed } = leading.address() as AddressInfo;
writeFileSync(join(data, "policies", "soak.yaml"), toPolicies(allowed));

const env = { PATH: process.env.PATH, HOME: base };
const { server, listening, log } = await startServer([folder, "--data", data], env);
const checked = await runPortcullis(["policy", "check", "--data", data], env);
if (checked.status !== 0) throw new Error(`${checked.stdout}${checked.stderr}`);
const pid = server.pid as number;
const tokens = Object.fromEntries(
  await Promise.all(
    (["soak", "roamer"] as const).map(async (who) => {
      const made = await runPortcullis(["token", "create", who, "--subject", who, "--json", "--data", data], env);
      return [who, (JSON.parse(made.stdout) as { token: string }).token];
    }),
  ),
) as Tokens;
const callers: readonly Caller[] = [
  await overWebSocket(listening, tokens),
  overHttp(listening, tokens),
  overMcp(listening, tokens),
];

const kinds = new Map<string, { calls: number; refused: number }>();
const wrong: string[] = [];
const samples: Sample[] = [];
let [made, abandoned, attacks] = [0, 0, 0];

const holds = (text: string): boolean => text.includes(marker) || secrets.some((secret) => text.includes(secret));

const goesOn = (): boolean => made < most && performance.now() < until && wrong.length < 20;

async function work(caller: Caller): Promise<void> {
  while (goesOn()) {
    if (++made === warm) before = sample(pid, made);
    const planned = plan(random, { folder, port, allowed });
    if (planned.attack) attacks++;
    if (random() < 0.001) {
      abandoned++;
      await caller.abandon(planned);
      continue;
    }
    const { done, text } = await caller.call(planned);
    const kind = kinds.get(planned.kind) ?? { calls: 0, refused: 0 };
    kinds.set(planned.kind, { calls: kind.calls + 1, refused: kind.refused + Number(!done) });
    const fault = holds(text)
      ? "something got out"
      : planned.expect === "answer" && !done
        ? "refused"
        : planned.expect === "refusal" && done
          ? "done"
          : undefined;
    if (fault)
      wrong.push(`${caller.door}, ${planned.kind}: ${fault}: ${JSON.stringify(planned.args)} → ${text.slice(0, 300)}`);
  }
}

/** Peers that come with no token, with half a message, or to hold a line open. */
async function disturb(): Promise<void> {
  const { port: own } = new URL(listening.http);
  while (goesOn()) {
    const socket = await dialRaw(Number(own));
    socket.write(Buffer.from([0x81, 0xfe, 0xff]));
    await delay(200);
    socket.destroy();
    const token = `pcl_${"x".repeat(43)}`;
    const refused = await fetch(`${listening.http}/v1/tools`, { headers: { authorization: `Bearer ${token}` } });
    if (refused.status !== 401) wrong.push(`An invented token got ${refused.status}.`);
  }
}

const began = performance.now();
const watching = setInterval(() => samples.push(sample(pid, made)), Math.min(1_000, Number(values.minutes) * 600));
// Threads and caches come with the first calls.
let before = sample(pid, 0);
await Promise.all([...callers.flatMap((caller) => Array.from({ length: widthOfEach }, () => work(caller))), disturb()]);
clearInterval(watching);
const seconds = (performance.now() - began) / 1_000;
await Promise.all(callers.map((caller) => caller.close()));
for (let waited = 0; waited < 50 && sample(pid, made).descriptors > before.descriptors; waited++) await delay(200);
const after = sample(pid, made);
await stopServer(server, "SIGTERM");
forbidden.close();
leading.close();
const verified = await runPortcullis(["audit", "verify", "--json", "--data", data], env);
const { records } = JSON.parse(verified.stdout || "{}") as { records?: number };

const { memory, perMillion } = trend(samples);
const highest = Math.max(...samples.map((one) => one.memory));
// What a heap keeps at hand swings by this much from one moment to the next.
const swing = Math.max(32, highest * 0.15);
if (reached > 0) wrong.push(`A host that must not be reached was asked ${reached} times.`);
if (after.descriptors > before.descriptors + 2)
  wrong.push(`Descriptors: ${before.descriptors} before, ${after.descriptors} after.`);
if (after.threads > before.threads + 2) wrong.push(`Threads: ${before.threads} before, ${after.threads} after.`);
if (samples.length >= 20 && memory > swing) wrong.push(`Memory grew by ${memory.toFixed(1)} MiB.`);
if (verified.status !== 0) wrong.push(`The audit does not verify: ${verified.stdout}${verified.stderr}`);
if ((records ?? 0) < made - abandoned)
  wrong.push(`${made - abandoned} calls were answered, and the audit has ${records} records.`);
if (server.exitCode !== 0) wrong.push(`The server ended with ${server.exitCode}:\n${log().slice(-2_000)}`);

console.log(
  `${made.toLocaleString("en")} calls in ${seconds.toFixed(0)} s through three doors, ${widthOfEach} at once on each; ${machine()}`,
);
console.log(
  table([
    ["", "calls", "refused"],
    ...[...kinds]
      .sort()
      .map(([kind, { calls, refused }]) => [kind, calls.toLocaleString("en"), refused.toLocaleString("en")]),
    ["given up by the caller", abandoned.toLocaleString("en"), ""],
  ]),
);
console.log(
  table([
    ["calls a second", (made / seconds).toFixed(0)],
    ["attacks", attacks.toLocaleString("en")],
    [
      "memory before, at most, after",
      [before.memory, highest, after.memory].map((mib) => `${mib.toFixed(0)} MiB`).join(", "),
    ],
    ["memory, second to last fifth", `${memory.toFixed(1)} MiB (${perMillion.toFixed(1)} a million calls)`],
    ["descriptors before, after", `${before.descriptors}, ${after.descriptors}`],
    ["threads before, after", `${before.threads}, ${after.threads}`],
    [
      "audit",
      `${verified.status === 0 ? "verifies" : "does not verify"}, ${(records ?? 0).toLocaleString("en")} records`,
    ],
  ]),
);
console.log(
  wrong.length === 0
    ? "Nothing got out, nothing was refused that should not be."
    : `${wrong.length} faults:\n${wrong.join("\n")}`,
);
rmSync(base, { recursive: true, force: true });
process.exit(wrong.length === 0 ? 0 : 1);
