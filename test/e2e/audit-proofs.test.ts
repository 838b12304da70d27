import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
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
  - { id: texts, tool: index.add, allow: ["https://example.org/**"] }
`,
};
const secret = "AKIAIOSFODNN7EXAMPLE";

let world: World;
/** What a collector of traces was sent. */
const traces: string[] = [];
const collector = createServer(async (request, response) => {
  traces.push(await text(request));
  response.writeHead(200).end("{}");
});

beforeAll(async () => {
  await once(collector.listen(0, "127.0.0.1"), "listening");
  const { port } = collector.address() as AddressInfo;
  world = await openWorld({
    policies,
    settings: `limits: { turnCalls: 100000, turnCeiling: 1000000 }\ntraces: { url: "http://127.0.0.1:${port}/v1/traces" }\n`,
  });
});
afterAll(async () => {
  await world?.close();
  collector.close();
});

const change = (path: string, sql: string): void => {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
};

const callSome = (of: World, count: number): Promise<void> =>
  asGuest(of, { door: "http", subject: "reader" }, async (reader) => {
    for (let n = 0; n < count; n++) await reader.call("fs.stat", { path: "notes/todo.md" });
  });

describe("what proves the audit", () => {
  verifiesOnce("U2.checkpoints", async () => {
    const watched = await openWorld({
      policies,
      prepare: ({ data, base }) =>
        writeFileSync(join(data, "portcullis.yaml"), `audit: { witness: { folder: ${base}/elsewhere } }\n`),
    });
    const witness = join(watched.base, "elsewhere");
    try {
      await callSome(watched, 5);
      await watched.restart();
      expect((await watched.run("audit", "checkpoint")).stdout).toContain("portcullis.local/audit/");
      const whole = await watched.run("audit", "verify", "--witness", witness, "--json");
      expect(whole.status, whole.stdout).toBe(0);
      const { proven, records } = JSON.parse(whole.stdout);
      expect(proven).toMatchObject({ upTo: records, witnessedUpTo: records });

      // Someone who can write everything in the data folder cuts the newest records and all that tells of them.
      await watched.restart("SIGKILL");
      change(join(watched.data, "audit.db"), `DELETE FROM records WHERE seq > 3; DELETE FROM checkpoints`);
      rmSync(join(watched.data, "audit.head"));
      rmSync(join(watched.data, "audit.checkpoint"));
      const alone = await watched.run("audit", "verify");
      expect(alone.status, alone.stdout).toBe(0);
      expect(alone.stdout).toContain("Only a witness elsewhere");
      const cut = await watched.run("audit", "verify", "--witness", witness, "--json");
      expect(cut.status).toBe(1);
      expect(JSON.parse(cut.stdout)).toMatchObject({ fault: { kind: "truncated", seq: 4 } });
    } finally {
      await watched.close();
    }
  });

  verifiesOnce("U2.keys", async () => {
    await callSome(world, 2);
    const old = (await world.run("audit", "key")).stdout.trim();
    expect(await world.run("audit", "key", "rotate")).toMatchObject({ status: 0 });
    expect((await world.run("audit", "key")).stdout.trim()).not.toBe(old);
    await callSome(world, 2);
    await world.restart();
    const followed = await world.run("audit", "verify", "--pubkey", old, "--json");
    expect(followed.status, followed.stdout).toBe(0);
    const stranger = `${old.slice(0, -10)}AAAAAAAAAA`;
    expect(await world.run("audit", "verify", "--pubkey", stranger)).toMatchObject({ status: 3 });
  });

  verifiesOnce("U2.recovery", async () => {
    const doomed = await openWorld({ policies });
    try {
      await asGuest(doomed, { door: "http", subject: "reader" }, async (reader) => {
        const added = await reader.call("index.add", { uri: "https://example.org/a", text: "A text." });
        expect(added, JSON.stringify(added)).toMatchObject({ ok: true });
      });
      const [intent] = (await doomed.audit()).filter(({ kind }) => kind === "intent");
      expect(intent).toBeDefined();
      doomed.server.kill("SIGKILL");
      await new Promise((resolve) => doomed.server.once("exit", resolve));
      // As it would be had the process died between the two records.
      const path = join(doomed.data, "audit.db");
      change(path, `DELETE FROM records WHERE seq > ${intent?.seq}; DELETE FROM checkpoints`);
      change(path, `INSERT INTO intents SELECT '${intent?.id}', ${intent?.seq}, boot FROM lives`);
      rmSync(join(doomed.data, "audit.head"));
      rmSync(join(doomed.data, "audit.checkpoint"), { force: true });
      expect(await doomed.run("audit", "verify")).toMatchObject({ status: 2 });
      await doomed.restart();
      await eventually(5_000, async () => {
        const records = await doomed.audit();
        expect(records.find(({ method }) => method === "audit.recover")).toMatchObject({ outcome: "crash" });
        const outcome = records.find(({ id, kind }) => id === intent?.id && kind === "call");
        expect(outcome).toMatchObject({ outcome: "unknown", tool: "index.add", subject: "reader" });
      });
      const verified = await doomed.run("audit", "verify", "--json");
      expect(verified.status, verified.stdout).toBe(0);
      expect(JSON.parse(verified.stdout)).toMatchObject({ unknown: 1, unfinishedCount: 0 });
    } finally {
      await doomed.close();
    }
  });

  verifies("U3.note", async (door) => {
    const token = await world.token("reader");
    const note = async (params: Record<string, string>): Promise<string> => {
      if (door === "websocket") {
        const client = await connect({ url: world.listening.websocket, token });
        const { auditId } = (await client.request("audit.note", params)) as { auditId: string };
        await client.close();
        return auditId;
      }
      const response = await fetch(`${world.listening.http}/v1/audit/notes`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(params),
      });
      expect(response.status).toBe(200);
      return ((await response.json()) as { auditId: string }).auditId;
    };
    const prompt = await note({ kind: "prompt", text: `What is to do? The key is ${secret}.` });
    const call = await asCall(token, prompt);
    const completion = await note({ kind: "completion", text: "Water the plants.", parent: call });
    await note({ kind: "note", text: "of another conversation" });
    for (const member of [prompt, call, completion]) {
      const { stdout } = await world.run("audit", "query", "--parent", member, "--json");
      const ids = stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { id: string }).id);
      expect(ids).toEqual([prompt, call, completion]);
    }
    const [kept] = (await world.audit()).filter(({ id }) => id === prompt);
    expect(kept).toMatchObject({ args: { kind: "prompt", text: expect.stringContaining("[redacted:") } });
    expect(JSON.stringify(await world.audit())).not.toContain(secret);
    const refused = await fetch(`${world.listening.http}/v1/audit/notes`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ kind: "prompt", text: "x".repeat(20_000) }),
    });
    expect(refused.status).toBe(400);
  });

  verifiesOnce("U4.query", async () => {
    const long = `=HYPERLINK("x")${"a long search ".repeat(40)}`;
    await asGuest(world, { door: "http", subject: "reader" }, async (reader) => {
      await reader.call("fs.stat", { path: "notes/todo.md" }, { purpose: '=1+1,"quoted"' });
      await reader.call("fs.readFile", { path: "/etc/passwd" });
      await reader.call("search", { query: long });
    });
    const find = async (...options: string[]) => {
      const { stdout } = await world.run("audit", "query", ...options, "--json");
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    expect((await find("--subject", "reader", "--tool", "fs.*", "--code", "PERMISSION_DENIED")).at(-1)).toMatchObject({
      resources: ["file:///etc/passwd"],
    });
    expect((await find("--resource", "/etc/passwd", "--since", "1h")).length).toBeGreaterThan(0);
    expect(await find("--resource", "/etc/passwd", "--until", "1h")).toEqual([]);
    const [searched] = await find("--value", long);
    expect(searched).toMatchObject({ tool: "search", args: { query: expect.stringMatching(/^hmac:[0-9a-f]{8}:/) } });
    expect(await find("--id", String(searched?.id))).toHaveLength(1);
    expect(await world.run("audit", "query", "--subject", "nobody")).toMatchObject({ status: 1, stdout: "" });
    const csv = (await world.run("audit", "export", "--format", "csv")).stdout;
    expect(csv).toContain(`"'=1+1,""quoted"""`);
    expect(csv).not.toMatch(/(^|,|\n)"?[=+@]/);
    const lines = (await world.run("audit", "export")).stdout.split("\n").filter(Boolean);
    expect(lines.length).toBe((await world.audit()).length);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  verifiesOnce("U4.seal", async () => {
    await callSome(world, 5);
    await world.restart();
    await callSome(world, 2);
    const archive = join(world.base, "old.jsonl");
    const before = await world.audit();
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const sealed = await world.run("audit", "seal", "--before", tomorrow, "--to", archive, "--json");
    expect(sealed.status, sealed.stderr).toBe(0);
    const { first, last } = JSON.parse(sealed.stdout);
    expect(first).toBe(1);
    expect(readFileSync(archive, "utf8").split("\n").filter(Boolean)).toHaveLength(last);
    const after = await world.audit();
    expect(after[0]?.seq).toBe(last + 1);
    expect(after.length).toBe(before.length - last + 1);
    await callSome(world, 2);
    await world.restart();
    const verified = await world.run("audit", "verify");
    expect(verified.status, verified.stdout).toBe(0);
    expect(verified.stdout).toContain(`Records up to ${last} were sealed away.`);
  });

  verifiesOnce("U4.metrics", async () => {
    await callSome(world, 1);
    const response = await fetch(`${world.listening.http}/metrics`);
    const page = await response.text();
    expect(response.headers.get("content-type")).toContain("version=0.0.4");
    expect(page).toMatch(/portcullis_calls_total\{tool="fs\.stat",code="ok"\} [1-9]/);
    expect(page).toContain("portcullis_audit_fault 0");
    expect(page).not.toContain("todo.md");
  });

  verifiesOnce("U4.traces", async () => {
    const token = await world.token("reader");
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const response = await fetch(`${world.listening.http}/v1/tools/call`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", traceparent },
      body: JSON.stringify({ name: "fs.stat", args: { path: "notes/todo.md" }, trace: { purpose: "to do" } }),
    });
    const { auditId } = (await response.json()) as { auditId: string };
    await eventually(15_000, () => expect(traces.join()).toContain(auditId));
    const sent = traces.find((body) => body.includes(auditId));
    expect(sent).toContain('"traceId":"0af7651916cd43dd8448eb211c80319c"');
    expect(sent).toContain('"parentSpanId":"b7ad6b7169203331"');
    expect(sent).toContain('"name":"tools/call fs.stat"');
    expect(sent).not.toContain("todo.md");
    const record = (await world.audit()).find(({ id }) => id === auditId);
    expect(record).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" });
  });
});

async function asCall(token: string, parent: string): Promise<string> {
  const response = await fetch(`${world.listening.http}/v1/tools/call`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "fs.stat", args: { path: "notes/todo.md" }, trace: { purpose: "to do", parent } }),
  });
  return ((await response.json()) as { auditId: string }).auditId;
}
