import { Client } from "pg";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { enter, type Guest } from "../support/doors.ts";
import { noPostgres, startPostgres } from "../support/fleet/postgres.ts";
import { noRedis, startRedis } from "../support/fleet/redis.ts";
import { type Fleet, openFleet, type Replica } from "../support/fleet/replicas.ts";
import type { EngineServer } from "../support/fleet/server.ts";
import { eventually } from "../support/guests.ts";
import { verifiesOnce } from "../support/verifies.ts";
import type { World } from "../support/world.ts";

const missing = noPostgres() ?? noRedis();
if (missing !== undefined) console.log(`No faults of a fleet are tried: ${missing}.`);

/** The promises are a second to notice and five to come back; the machine is shared with other tests. */
const soon = 15_000;

const policy = `
subject: "*@fleet"
purpose: optional
scopes:
  - { id: lane, tool: fs.readFile, allow: ["@served/**"], rate: { perMinute: 1, burst: 10 } }
  - { tool: fs.list, allow: ["@served/**"] }
  - { tool: http.fetch, allow: ["http://127.0.0.1:59999/**"] }
`;

/** Who people are, and what else is asked on each call. */
let people: EngineServer;
/** What happened, and the policies. */
let papers: EngineServer;
let redis: EngineServer;
let fleet: Fleet;

const at = (index: number): Replica => fleet.replicas[index] as Replica;
const come = (replica: number, token: string): Promise<Guest> =>
  enter("http", at(replica) as unknown as World, { token, subject: "" });
const list = (guest: Guest) => guest.call("fs.list", { dir: "notes" }, { purpose: `${Math.random()}` });

describe.skipIf(missing !== undefined)("a fleet whose engines fail", () => {
  beforeAll(async () => {
    [people, papers, redis] = await Promise.all([startPostgres(), startPostgres(), startRedis()]);
    fleet = await openFleet({
      replicas: 2,
      stores: {
        ...{ identity: people.url, consent: people.url, audit: papers.url, policy: papers.url },
        ...{ limits: redis.url, flows: redis.url },
      },
      settings:
        'limits: { turnCalls: 200, turnCeiling: 5000 }\nflow: { sources: [{ name: notes, public: true }] }\nhttp: { privateHosts: ["127.0.0.1:*"] }',
      policy,
    });
  });
  afterAll(async () => {
    for (const engine of [people, papers, redis]) engine?.thaw();
    await fleet?.close();
    for (const engine of [people, papers, redis]) await engine?.stop();
  });

  verifiesOnce("S3.limits", async () => {
    const { token } = await fleet.token("limited@fleet");
    const all = await Promise.all([come(0, token), come(1, token)]);
    await redis.kill();
    const read = (n: number) => all[n % 2]?.call("fs.readFile", { path: "notes/todo.md" }, { purpose: `call ${n}` });
    for (const index of [0, 1])
      await eventually(soon, async () => {
        const { warnings } = await at(index).health();
        expect(warnings?.join(" ")).toMatch(/Redis is away; it keeps limits, flows/);
      });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => read(n)));
    // Two replicas hold themselves to half of ten each.
    expect(answers.filter((answer) => answer?.ok)).toHaveLength(10);
    // What was seen cannot be looked up, so it counts as everything: nothing leaves.
    const out = await all[0].call("http.fetch", { url: "http://127.0.0.1:59999/" }, { purpose: "out" });
    expect(out).toMatchObject({ ok: false, code: "FLOW_BLOCKED" });
    const metrics = await fetch(`${at(0).listening.http}/metrics`);
    expect(await metrics.text()).toContain('portcullis_degraded{concern="limits"} 1');
    await redis.restart();
    for (const index of [0, 1])
      await eventually(soon, async () => expect((await at(index).health()).warnings).toBeUndefined());
    const again = await fleet.token("again@fleet");
    const back = await Promise.all([come(0, again.token), come(1, again.token)]);
    const exact = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        back[n % 2]?.call("fs.readFile", { path: "notes/todo.md" }, { purpose: `again ${n}` }),
      ),
    );
    expect(exact.filter((answer) => answer?.ok)).toHaveLength(10);
  });

  verifiesOnce("S3.audit", async () => {
    const { token } = await fleet.token("audited@fleet");
    const all = await Promise.all([come(0, token), come(1, token)]);
    const acknowledged: string[] = [];
    const call = async (n: number): Promise<void> => {
      const answer = await list(all[n % 2] as Guest);
      if (answer.ok) acknowledged.push(answer.auditId);
    };
    await Promise.all(Array.from({ length: 10 }, (_, n) => call(n)));
    await papers.kill();
    await Promise.all(Array.from({ length: 30 }, (_, n) => call(n)));
    await eventually(soon, async () =>
      expect((await at(0).health()).warnings?.join(" ")).toMatch(/\d+ records of the audit wait/),
    );
    await Promise.all(Array.from({ length: 30 }, (_, n) => call(n)));
    // What waits is nowhere else yet: it is not sealed away.
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    expect(await at(0).run("audit", "seal", "--before", tomorrow, "--drop")).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("stores.audit"),
    });
    expect(acknowledged.length).toBeGreaterThan(50);
    // What waits survives the death of whoever keeps it, and is delivered by who comes after.
    await at(0).restart("SIGKILL");
    await papers.restart();
    await eventually(soon, async () => {
      const client = new Client({ connectionString: papers.url });
      await client.connect();
      try {
        const { rows } = await client.query(
          "SELECT id, count(*)::int AS times FROM portcullis.connector_audit WHERE id = ANY($1) GROUP BY id",
          [acknowledged],
        );
        expect(rows.map(({ times }) => times)).toEqual(acknowledged.map(() => 1));
      } finally {
        await client.end();
      }
    });
    const { status, stdout, stderr } = await at(1).run("audit", "verify", "--json");
    expect(status, stdout + stderr).toBe(0);
  });

  verifiesOnce("P5.cache", async () => {
    const { token } = await fleet.token("cached@fleet");
    await papers.kill();
    await at(1).restart();
    const guest = await come(1, token);
    expect(await list(guest)).toMatchObject({ ok: true });
    await eventually(soon, async () =>
      expect((await at(1).health()).warnings?.join(" ")).toContain("policies are those of this replica's disk"),
    );
    await papers.restart();
    await eventually(soon, async () => expect((await at(1).health()).warnings).toBeUndefined());
    expect(await list(guest)).toMatchObject({ ok: true });
  });

  verifiesOnce("S3.refusal", async () => {
    const { token } = await fleet.token("known@fleet");
    const guest = await come(0, token);
    expect(await list(guest)).toMatchObject({ ok: true });
    await people.kill();
    await eventually(soon, async () => expect(await list(guest)).toMatchObject({ ok: false, code: "UNAVAILABLE" }));
    expect(await at(0).health()).toMatchObject({ ready: false });
    // No door says more than that, and none takes it for a fault of its own or for a wrong token.
    for (const path of ["mcp", "v1/tools/call", "sse/"]) {
      const answer = await fetch(`${at(0).listening.http}/${path}`, {
        method: path === "sse/" ? "GET" : "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        ...(path !== "sse/" && { body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }) }),
      });
      expect(answer.status, path).toBe(503);
      expect(await answer.text()).not.toMatch(/PostgreSQL|127\.0\.0\.1/);
    }
    await people.restart();
    await eventually(soon, async () => expect(await list(guest)).toMatchObject({ ok: true }));
    expect(await at(0).health()).toMatchObject({ ready: true });
  });

  verifiesOnce("S3.deadline", async () => {
    const { token } = await fleet.token("frozen@fleet");
    const guest = await come(0, token);
    expect(await list(guest)).toMatchObject({ ok: true });
    for (const engine of [redis, papers, people]) {
      engine.freeze();
      const begun = performance.now();
      await Promise.all(Array.from({ length: 16 }, () => list(guest)));
      expect(performance.now() - begun).toBeLessThan(soon);
      engine.thaw();
      await eventually(soon, async () => expect((await at(0).health()).warnings).toBeUndefined());
      expect(await list(guest)).toMatchObject({ ok: true });
    }
  });
});
