import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const policies = {
  "reader.yaml": `
subject: reader
scopes:
  - { id: everything, tool: "*", allow: ["@served/**"], deny: ["@served/broken.md"] }
---
subject: writer
scopes:
  - { tool: [fs.writeFile, index.add], allow: ["@served/**"] }
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/**"] }
`,
};

let world: World;
/** Whose audit cannot be written at times. */
let stuck: World;

beforeAll(async () => {
  stuck = await openWorld({ policies });
  world = await openWorld({ policies, settings: "limits: { turnCalls: 100000, turnCeiling: 1000000 }\n" });
});
afterAll(async () => {
  await world?.close();
  await stuck?.close();
});

describe("audit", () => {
  verifies("U1.record", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const read = await reader.call("fs.readFile", { path: "notes/todo.md" }, { purpose: `audit ${door}` });
      const denied = await reader.call("fs.readFile", { path: "/etc/passwd" }, { purpose: `audit ${door}` });
      const unknown = await reader.call("fs.readFiles", {}, { purpose: `audit ${door}` });
      const records = await world.audit();
      const recordOf = (id: string) => records.find((record) => record.id === id);
      expect(recordOf(read.auditId)).toMatchObject({
        kind: "call",
        subject: "reader",
        door: door === "mcp-http-legacy" ? "mcp-http" : door,
        tool: "fs.readFile",
        args: { path: "notes/todo.md" },
        resources: [`file://${world.folder}/todo.md`],
        purpose: { text: `audit ${door}`, stated: true },
        decision: "allow",
        scope: expect.stringContaining("everything"),
        outcome: "ok",
        durationUs: expect.any(Number),
        bytesOut: expect.any(Number),
      });
      expect(recordOf(denied.auditId)).toMatchObject({
        decision: "deny",
        scope: null,
        outcome: "PERMISSION_DENIED",
        resources: ["file:///etc/passwd"],
      });
      expect(recordOf(unknown.auditId)).toMatchObject({ tool: "fs.readFiles", outcome: "NOT_FOUND" });
    }),
  );

  verifies("W3.outcome", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const answer = await reader.call("fs.stat", { path: "notes/todo.md" });
      expect(answer).toMatchObject({
        ok: true,
        result: expect.any(Object),
        auditId: expect.stringMatching(/^[0-9A-Z]{26}$/),
      });
      expect((await world.audit()).some(({ id }) => id === answer.auditId)).toBe(true);
    }),
  );

  verifiesOnce("U2.verify", async () => {
    expect(await world.run("audit", "verify")).toMatchObject({ status: 0 });
    const tampered = await openWorld({ policies });
    try {
      await asGuest(tampered, { door: "http", subject: "reader" }, async (reader) => {
        for (let n = 0; n < 5; n++) await reader.call("fs.stat", { path: "notes/todo.md" });
      });
      const before = JSON.parse((await tampered.run("audit", "verify", "--json")).stdout);
      expect(before).toMatchObject({ status: "ok" });
      await tampered.restart("SIGKILL");
      forge(join(tampered.data, "audit.db"), 3);
      const after = await tampered.run("audit", "verify", "--json");
      expect(after.status).toBe(1);
      expect(JSON.parse(after.stdout)).toMatchObject({ status: "tampered", fault: { kind: "altered", seq: 3 } });
    } finally {
      await tampered.close();
    }
  });

  verifies("U1.no-record", (door) =>
    // The database may grow by nothing more: what a full disk does to it.
    asGuest(stuck, { door, subject: "reader" }, async (reader) => {
      expect(await reader.call("fs.stat", { path: "notes/todo.md" })).toMatchObject({ ok: true });
      const lock = holdLock(join(stuck.data, "audit.db"));
      try {
        const started = performance.now();
        const refused = await reader.call("fs.stat", { path: "notes/todo.md" });
        expect(refused).toMatchObject({ ok: false, code: "UNAVAILABLE" });
        expect(JSON.stringify(refused)).not.toContain('"size"');
        expect(performance.now() - started).toBeLessThan(5_000);
        if (door !== "mcp-stdio") {
          const health = await fetch(`${stuck.listening.http}/v1/health`);
          expect(health.status).toBe(503);
          expect(await health.json()).toMatchObject({ live: true, ready: false });
        }
      } finally {
        lock.close();
      }
    }),
  );

  verifiesOnce("U1.no-effect", async () => {
    let asked = 0;
    const site = createServer((_, response) => response.end(`${++asked}`)).listen(0, "127.0.0.1");
    await once(site, "listening");
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const note = join(stuck.folder, "todo.md");
    const before = readFileSync(note, "utf8");
    const effects = [
      ["fs.writeFile", { path: "notes/todo.md", content: "gone" }],
      ["fs.writeFile", { path: "notes/new.md", content: "new", mustBeNew: true }],
      ["index.add", { uri: "https://example.org/added", text: "put there" }],
      ["http.fetch", { url }],
    ] as const;
    try {
      await asGuest(stuck, { door: "websocket", subject: "writer" }, async (writer) => {
        const lock = holdLock(join(stuck.data, "audit.db"));
        try {
          const answers = await Promise.all(effects.map(([name, args]) => writer.call(name, args)));
          for (const answer of answers) expect(answer).toMatchObject({ ok: false, code: "UNAVAILABLE" });
        } finally {
          lock.close();
        }
        expect(readFileSync(note, "utf8")).toBe(before);
        expect(existsSync(join(stuck.folder, "new.md"))).toBe(false);
        expect(asked).toBe(0);
        // What is to be is done once there is room again.
        await eventually(10_000, async () =>
          expect(await writer.call("http.fetch", { url })).toMatchObject({ ok: true }),
        );
        expect(asked).toBe(1);
      });
    } finally {
      site.close();
    }
  });

  verifies("U1.kill", async () => {
    const rounds = 20;
    const doomed = await openWorld({
      policies,
      settings: "limits: { turnCalls: 100000, turnCeiling: 1000000, concurrentCalls: 2000 }\n",
    });
    try {
      const token = await doomed.token("reader");
      const answered: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => connect({ url: doomed.listening.websocket, token, reconnect: false })),
        );
        const calls = Array.from({ length: 1_000 }, async (_, n) => {
          const outcome = await clients[n % clients.length]?.request("tools.call", {
            name: "fs.readFile",
            args: { path: "notes/todo.md" },
            trace: { purpose: `round ${round}` },
          });
          const { auditId } = outcome as { auditId: string };
          answered.push(auditId);
          if (answered.length % 400 === 10 * (round + 1)) doomed.server.kill("SIGKILL");
        });
        await Promise.race([Promise.allSettled(calls), new Promise((resolve) => setTimeout(resolve, 8_000))]);
        doomed.server.kill("SIGKILL");
        await Promise.allSettled(clients.map((client) => client.close()));
        await doomed.restart("SIGKILL");
      }
      expect(answered.length).toBeGreaterThan(rounds * 10);
      const known = new Set((await doomed.audit()).map(({ id }) => id));
      expect(answered.filter((id) => !known.has(id))).toEqual([]);
      expect(await doomed.run("audit", "verify")).toMatchObject({ status: 0 });
    } finally {
      await doomed.close();
    }
  });
});

/** Changes a record's text behind the server's back. */
function forge(path: string, seq: number): void {
  const db = new DatabaseSync(path);
  const { name } = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%body%'").get() as {
    name: string;
  };
  const { changes } = db.prepare(`UPDATE "${name}" SET body = replace(body, 'T', 't') WHERE seq = ?`).run(seq);
  if (changes !== 1) throw new Error(`No record ${seq} to forge.`);
  db.close();
}

/** Holds the database's write lock, as a disk that does not answer would. */
function holdLock(path: string): { close(): void } {
  const db = new DatabaseSync(path);
  db.exec("BEGIN IMMEDIATE");
  return { close: () => db.close() };
}
