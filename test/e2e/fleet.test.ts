import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enter, type Guest } from "../support/doors.ts";
import { noPostgres, startPostgres } from "../support/fleet/postgres.ts";
import { noRedis, startRedis } from "../support/fleet/redis.ts";
import { type Fleet, openFleet, type Replica } from "../support/fleet/replicas.ts";
import type { EngineServer } from "../support/fleet/server.ts";
import { eventually } from "../support/guests.ts";
import type { DoorName } from "../support/requirement.ts";
import { ask, dialLine } from "../support/socket-line.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import type { World } from "../support/world.ts";

const missing = noPostgres() ?? noRedis();
if (missing !== undefined) console.log(`No fleet is tried: ${missing}.`);

/** The promise is a second; the machine is shared with other tests. */
const soon = 5_000;

const policy = `
subject: "*@fleet"
purpose: optional
scopes:
  - { id: lane, tool: fs.readFile, allow: ["@served/**"], rate: { perMinute: 1, burst: 10 } }
  - { tool: [fs.list, fs.writeFile], allow: ["@served/**"] }
  - { tool: fs.stat, allow: ["@served/**"], consent: ask }
  - { tool: http.fetch, allow: ["http://127.0.0.1:59999/**"] }
`;

let postgres: EngineServer;
let redis: EngineServer;
let fleet: Fleet;

const at = (index: number): Replica => fleet.replicas[index] as Replica;
const guests: Guest[] = [];
/** Comes in on one replica, until the tests are over. */
async function come(replica: number, token: string, door: DoorName = "http"): Promise<Guest> {
  const guest = await enter(door, at(replica) as unknown as World, { token, subject: "" });
  guests.push(guest);
  return guest;
}

describe.skipIf(missing !== undefined)("a fleet", () => {
  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    const { url } = postgres;
    fleet = await openFleet({
      stores: { identity: url, consent: url, policy: url, audit: url, limits: redis.url, flows: redis.url },
      settings: `limits: { turnCalls: 12 }\nflow: { sources: [{ name: notes, private: notes }], closed: ["*@fleet"] }\nhttp: { privateHosts: ["127.0.0.1:*"] }`,
      policy,
    });
  });
  afterAll(async () => {
    for (const guest of guests) await guest.close().catch(() => {});
    await fleet?.close();
    await postgres?.stop();
    await redis?.stop();
  });

  test("init makes the client's token where every replica knows it", async () => {
    const config = join(at(0).data, "portcullis.yaml");
    const args = [
      "init",
      at(0).folder,
      "--client",
      "codex",
      "--way",
      "http",
      "--yes",
      "--json",
      "--subject",
      "init@fleet",
    ];
    await at(0).run(...args, "--config", config);
    // Whether the call through it went well is not the question here, but who knows the token that it made.
    const token = readFileSync(join(at(0).data, "clients", "codex.token"), "utf8").trim();
    const guest = await come(1, token);
    expect(await guest.call("fs.list", { dir: "notes" }, { purpose: "look" })).toMatchObject({ ok: true });
  });

  test("a command with the configuration of its own place works on what the replicas share", async () => {
    const { name, token } = await fleet.token("elsewhere@fleet");
    const guest = await come(2, token);
    expect(await guest.call("fs.list", { dir: "notes" }, { purpose: "look" })).toMatchObject({ ok: true });
    const elsewhere = join(at(0).data, "elsewhere");
    const config = join(at(0).data, "portcullis.yaml");
    const revoke = (...more: readonly string[]) => at(0).run("token", "revoke", name, "--data", elsewhere, ...more);
    expect((await revoke("--config", join(elsewhere, "missing.yaml"))).status).toBe(66);
    expect((await revoke("--config", config)).status).toBe(0);
    await eventually(soon, async () =>
      expect(await guest.call("fs.list", { dir: "notes" }, { purpose: "look" })).toMatchObject({ ok: false }),
    );
  });

  verifiesOnce("S2.rate", async () => {
    const { token } = await fleet.token("rate@fleet");
    const all = await Promise.all([0, 1, 2].map((index) => come(index, token)));
    const calls = Array.from({ length: 64 }, (_, n) =>
      all[n % 3]?.call("fs.readFile", { path: "notes/todo.md" }, { purpose: `call ${n}` }),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer?.ok)).toHaveLength(10);
    for (const answer of answers) if (!answer?.ok) expect(answer).toMatchObject({ code: "RATE_LIMITED" });
  });

  verifiesOnce("S2.turn", async () => {
    const { token } = await fleet.token("turn@fleet");
    const all = await Promise.all([0, 1, 2].map((index) => come(index, token)));
    const calls = Array.from({ length: 64 }, (_, n) =>
      all[n % 3]?.call("fs.list", { dir: "notes" }, { purpose: "one turn" }),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer?.ok)).toHaveLength(12);
    const handle = answers.find((answer) => answer?.ok)?.turn?.handle ?? "";
    expect(handle).toMatch(/^turn_/);
    // The same turn by its handle, on each replica.
    for (const guest of all)
      expect(await guest.call("fs.list", { dir: "notes" }, { purpose: "another", turn: handle })).toMatchObject({
        code: "TURN_LIMIT",
      });
    expect(await all[1]?.call("fs.list", { dir: "notes" }, { purpose: "another" })).toMatchObject({ ok: true });
  });

  verifies("S2.revocation", async (door) => {
    const { name, token } = await fleet.token("ending@fleet");
    const all = await Promise.all([0, 1, 2].map((index) => come(index, token, door)));
    for (const guest of all) expect(await guest.call("fs.list", { dir: "notes" })).toMatchObject({ ok: true });
    expect((await at(1).run("token", "revoke", name)).status).toBe(0);
    for (const guest of all)
      await eventually(soon, async () => {
        const answer = await guest.call("fs.list", { dir: "notes" }).catch((error: unknown) => ({ ok: false, error }));
        expect(answer.ok).toBe(false);
      });
  });

  verifiesOnce("S2.session", async () => {
    const { token } = await fleet.token("session@fleet");
    const dial = (index: number) => dialLine(Number(new URL(at(index).listening.http).port));
    const here = await dial(0);
    here.send(ask(1, "auth.exchange", { token }));
    const { result } = await here.next();
    const { session } = result as { session: string };
    await at(2).restart();
    here.send(ask(2, "auth.refresh", { session }));
    expect(await here.next()).toMatchObject({ result: { session } });
    const { stdout } = await at(1).run("session", "list", "--json");
    const { sessions } = JSON.parse(stdout) as { sessions: readonly { id: string; subject: string }[] };
    const id = sessions.find(({ subject }) => subject === "session@fleet")?.id ?? "";
    expect((await at(1).run("session", "revoke", id)).status).toBe(0);
    expect(await Promise.race([here.closed, new Promise((resolve) => setTimeout(resolve, soon, "open"))])).toBe(4401);
    here.socket.terminate();
  });

  verifiesOnce("S2.consent", async () => {
    const { token } = await fleet.token("asking@fleet");
    const [here, there] = await Promise.all([come(0, token), come(1, token)]);
    const wanted = ["fs.stat", { path: "notes/todo.md" }, { purpose: "asking" }] as const;
    const refused = await here.call(...wanted);
    expect(refused).toMatchObject({ code: "CONSENT_REQUIRED", details: { consent: { state: "open" } } });
    const id = refused.details.consent.id as string;
    const answered = await at(2).run("consent", "answer", id, "allow", "--once", "--json");
    expect(answered.status, answered.stderr).toBe(0);
    // It waits for one call, wherever that comes, and for no other.
    const calls = await Promise.all([here, there, here, there].map((guest) => guest.call(...wanted)));
    expect(calls.filter(({ ok }) => ok)).toHaveLength(1);
  });

  verifiesOnce("S2.flow", async () => {
    const { token } = await fleet.token("seeing@fleet");
    const [here, there] = await Promise.all([come(0, token), come(1, token)]);
    const out = ["http.fetch", { url: "http://127.0.0.1:59999/" }] as const;
    expect((await there.call(...out)).code).not.toBe("FLOW_BLOCKED");
    expect(await here.call("fs.readFile", { path: "notes/todo.md" })).toMatchObject({ ok: true });
    expect((await there.call(...out)).code).toBe("FLOW_BLOCKED");
  });

  verifiesOnce("P5.published", async () => {
    const { token } = await fleet.token("later@fleet");
    const all = await Promise.all([0, 1, 2].map((index) => come(index, token)));
    const list = (guest: Guest) => guest.call("fs.list", { dir: "notes" }, { purpose: `${Math.random()}` });
    for (const guest of all) expect(await list(guest)).toMatchObject({ ok: true });
    const file = join(at(2).data, "policies", "owner.yaml");
    writeFileSync(file, policy.replace("[fs.list, fs.writeFile]", "[fs.writeFile]"));
    expect((await at(2).run("policy", "publish")).status).toBe(0);
    for (const guest of all) await eventually(soon, async () => expect(await list(guest)).toMatchObject({ ok: false }));
    // What has a fault is not published, and nothing changes.
    writeFileSync(file, "subject: [\n");
    expect((await at(2).run("policy", "publish")).status).not.toBe(0);
    for (const guest of all) expect(await list(guest)).toMatchObject({ code: "PERMISSION_DENIED" });
    writeFileSync(file, policy);
    expect((await at(2).run("policy", "publish")).status).toBe(0);
    for (const guest of all) await eventually(soon, async () => expect(await list(guest)).toMatchObject({ ok: true }));
  });

  verifiesOnce("S2.audit", async () => {
    const { status, stdout } = await at(0).run("audit", "verify", "--json");
    const { fleet: chains } = JSON.parse(stdout) as { fleet: readonly { status: string; records: number }[] };
    expect(status).toBe(0);
    expect(chains).toHaveLength(3);
    for (const chain of chains) expect(chain).toMatchObject({ status: "ok", records: expect.any(Number) });
    // Whoever can write to the database can change nothing unseen.
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    try {
      const put = (from: string, to: string) =>
        client.query(
          `UPDATE portcullis.connector_audit SET body = replace(body, '"outcome":"${from}"', '"outcome":"${to}"')
             WHERE (origin, seq) = (SELECT origin, seq FROM portcullis.connector_audit WHERE body LIKE '%"outcome":"${from}"%' ORDER BY origin, seq LIMIT 1)
             RETURNING seq`,
        );
      const { rows } = await put("RATE_LIMITED", "CHANGED");
      const found = await at(1).run("audit", "verify", "--json");
      await put("CHANGED", "RATE_LIMITED");
      expect(found.status).toBe(1);
      const tampered = (JSON.parse(found.stdout) as { fleet: readonly { status: string; fault?: object }[] }).fleet;
      expect(tampered.find(({ status: one }) => one === "tampered")?.fault).toMatchObject({
        kind: "altered",
        seq: Number(rows[0]?.seq),
      });
    } finally {
      await client.end();
    }
    expect((await at(1).run("audit", "verify", "--json")).status).toBe(0);
  });
});
