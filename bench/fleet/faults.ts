// Calls at three replicas while replicas and engines are killed, frozen and started again, one fault at a time: no acknowledged call may be missing from the
// audit, none may have run unchecked, and limits must hold. `npm run bench:fleet -- --faults 200` makes two hundred.
import { parseArgs } from "node:util";
import { Client } from "pg";
import { startPostgres } from "../../test/support/fleet/postgres.ts";
import { startRedis } from "../../test/support/fleet/redis.ts";
import { openFleet } from "../../test/support/fleet/replicas.ts";
import { machine, median, table } from "../measure.ts";
import { createRandom, pick } from "../search/random.ts";

const { values } = parseArgs({ options: { faults: { type: "string" }, seed: { type: "string" } } });
const faults = Number(values.faults ?? 24);
const random = createRandom(Number(values.seed ?? 1));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const [people, papers, redis] = await Promise.all([
  startPostgres({ syncs: true }),
  startPostgres({ syncs: true }),
  startRedis(),
]);
const fleet = await openFleet({
  stores: {
    ...{ identity: people.url, consent: people.url, audit: papers.url, policy: papers.url },
    ...{ limits: redis.url, flows: redis.url },
  },
  settings: "limits: { turnCalls: 1000000, turnCeiling: 10000000 }\nflow: { sources: [{ name: notes, public: true }] }",
  policy: `
subject: "*@fleet"
purpose: optional
scopes:
  - { tool: fs.list, allow: ["@served/**"] }
`,
});
const { token } = await fleet.token("load@fleet");

const acknowledged: string[] = [];
const codes = new Map<string, number>();
let unchecked = 0;
let slowest = 0;
let stopped = false;

/** One caller, who goes from replica to replica and asks for what is allowed and, one time in four, for what is not. */
async function load(start: number): Promise<void> {
  for (let n = start; !stopped; n++) {
    const replica = fleet.replicas[n % fleet.replicas.length];
    const denied = n % 4 === 0;
    const body = denied
      ? { name: "fs.readFile", args: { path: "notes/todo.md" }, trace: { purpose: "load" } }
      : { name: "fs.list", args: { dir: "notes" }, trace: { purpose: "load" } };
    const begun = performance.now();
    try {
      const answer = await fetch(`${replica?.listening.http}/v1/tools/call`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      const outcome = (await answer.json()) as { ok: boolean; code?: string; auditId: string };
      codes.set(outcome.code ?? "ok", (codes.get(outcome.code ?? "ok") ?? 0) + 1);
      if (outcome.ok && denied) unchecked += 1;
      if (outcome.ok || outcome.code === "PERMISSION_DENIED") acknowledged.push(outcome.auditId);
    } catch {
      codes.set("no answer", (codes.get("no answer") ?? 0) + 1);
      await pause(50);
    }
    slowest = Math.max(slowest, performance.now() - begun);
  }
}

const isWell = async (): Promise<boolean> => {
  const all = await Promise.all(fleet.replicas.map((replica) => replica.health().catch(() => undefined)));
  return all.every((health) => health?.ready === true && health.warnings === undefined);
};

/** Waits for a state, and tells how long that took; 20 s are too long. */
async function until(what: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  while (!(await what())) {
    if (performance.now() - begun > 20_000) {
      for (const replica of fleet.replicas)
        console.error(await replica.health().catch(String), replica.log().slice(-2_000));
      await close();
      throw new Error(`It did not come to that within 20 s, after ${last}.`);
    }
    await pause(25);
  }
  return performance.now() - begun;
}

async function close(): Promise<void> {
  stopped = true;
  for (const engine of [people, papers, redis]) engine.thaw();
  await fleet.close();
  for (const engine of [people, papers, redis]) await engine.stop();
}

let last = "the start";
const noticed: number[] = [];
const recovered: number[] = [];
const callers = [0, 1, 2, 3].map(load);
for (let n = 0; n < faults; n++) {
  await pause(200 + random() * 300);
  if (random() < 0.3) {
    const replica = pick(random, fleet.replicas);
    last = "a replica's end";
    await replica.restart(pick(random, ["SIGKILL", "SIGTERM"] as const));
  } else {
    const engine = pick(random, [people, papers, redis]);
    const killed = random() < 0.5;
    last = `${killed ? "the death" : "a stop"} of ${new URL(engine.url).protocol}${engine === people ? " (identity)" : ""}`;
    if (killed) await engine.kill();
    else engine.freeze();
    noticed.push(await until(async () => !(await isWell())));
    await pause(random() * 1_000);
    if (killed) await engine.restart();
    else engine.thaw();
  }
  recovered.push(await until(isWell));
  process.stderr.write(`\r${n + 1} of ${faults} faults, ${acknowledged.length} calls acknowledged`);
}
stopped = true;
await Promise.all(callers);
process.stderr.write("\n");

const client = new Client({ connectionString: papers.url });
await client.connect();
const wanted = new Set(acknowledged);
let twice = 0;
// What waits on a replica's disk, and what the database lost with its last moments, is delivered within seconds.
const begunDelivery = performance.now();
do {
  const { rows } = await client.query<{ id: string; times: number }>(
    "SELECT id, count(*)::int AS times FROM portcullis.connector_audit WHERE kind = 'call' GROUP BY id",
  );
  for (const { id } of rows) wanted.delete(id);
  twice = rows.filter(({ times }) => times > 1).length;
  await pause(250);
} while (wanted.size > 0 && performance.now() - begunDelivery < 20_000);
const deliveredIn = performance.now() - begunDelivery;
await client.end();
const verified = await fleet.replicas[0]?.run("audit", "verify", "--json");
const whole = (value: number): string => Math.round(value).toString();
console.log(`${faults} faults during load over three replicas, seed ${values.seed ?? 1}`);
console.log(machine());
console.log(
  table([
    ["", "figure", "aim"],
    ["calls acknowledged", `${acknowledged.length}`, ""],
    ["of them missing from the shared audit", `${wanted.size}`, "0"],
    ["all of them there after, ms", whole(deliveredIn), ""],
    ["kept twice", `${twice}`, "0"],
    ["unchecked calls", `${unchecked}`, "0"],
    ["audit verify ends with", `${verified?.status}`, "0, or 2 for what a crash cut off"],
    ["an engine's failure noticed, median ms", whole(median(noticed)), "1000"],
    ["recovered after the return, median ms", whole(median(recovered)), "5000"],
    ["recovered, longest ms", whole(Math.max(...recovered)), ""],
    ["slowest call, ms", whole(slowest), ""],
  ]),
);
console.log(`Outcomes: ${[...codes].map(([code, count]) => `${code} ${count}`).join(", ")}.`);
await close();
process.exit(wanted.size + twice + unchecked > 0 || verified?.status === 1 ? 1 : 0);
