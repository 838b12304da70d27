import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { enter } from "../support/doors.ts";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let slow: Server;
let closed = 0;

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 5, callMs: 1500 }\n",
    policies: {
      "hurried.yaml": `
subject: hurried
scopes:
  - { id: slow-lane, tool: fs.readFile, allow: ["@served/**"], rate: { perMinute: 6, burst: 2 } }
---
subject: looping
scopes:
  - { tool: fs.readFile, allow: ["@served/**"] }
---
subject: waiting
scopes:
  - { tool: http.fetch, allow: ["http://127.0.0.1:*/**"] }
`,
    },
  });
  slow = createServer((request) => request.once("close", () => closed++));
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await world?.close();
  slow?.closeAllConnections();
  slow?.close();
});

describe("limits", () => {
  verifies("L1.rate", (door) =>
    asGuest(world, { door, subject: "hurried" }, async (hurried) => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => hurried.call("fs.readFile", { path: "notes/todo.md" })));
      // The bucket is the subject's, whatever token or door it uses, so that another door may have emptied it already.
      expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(2);
      const refused = answers.find(({ ok }) => !ok);
      expect(refused).toMatchObject({
        code: "RATE_LIMITED",
        details: { capacity: 2, tokensLeft: expect.any(Number), bucket: expect.stringContaining("slow-lane") },
      });
      expect(refused?.details.retryAfterMs).toBeGreaterThan(0);
      expect(refused?.details.retryAfterMs).toBeLessThanOrEqual(10_000);
    }),
  );

  verifies("L2.turn", (door) =>
    asGuest(world, { door, subject: "looping" }, async (looping) => {
      const purpose = `loop on ${door}`;
      const read = (path: string) => looping.call("fs.readFile", { path }, { purpose });
      // Denied and failed calls count as well as good ones, and calls at once are counted one by one.
      const first = await Promise.all(["notes/todo.md", "notes/none.md", "/etc/passwd"].map(read));
      expect(first.map(({ ok }) => ok)).toEqual([true, false, false]);
      const rest = await Promise.all(Array.from({ length: 64 }, () => read("notes/todo.md")));
      expect(rest.filter(({ ok }) => ok)).toHaveLength(2);
      const refused = rest.find(({ ok }) => !ok);
      expect(refused).toMatchObject({
        code: "TURN_LIMIT",
        details: { capacity: 5, retryAfterMs: expect.any(Number), next: expect.stringMatching(/batch/i) },
      });
      expect(
        await looping.call("fs.readFile", { path: "notes/todo.md" }, { purpose: `${purpose}, once more` }),
      ).toMatchObject({ ok: true });
    }),
  );

  verifies("L2.handle", (door) =>
    asGuest(world, { door, subject: "looping" }, async (looping) => {
      const purpose = `handled on ${door}`;
      const read = (reasons: { purpose: string; turn?: string }) =>
        looping.call("fs.readFile", { path: "notes/todo.md" }, reasons);
      const first = await read({ purpose });
      expect(first.turn).toMatchObject({ handle: expect.stringMatching(/^turn_/), calls: 1, limit: 5 });
      const handle = first.turn?.handle ?? "";
      // Another purpose with the handle is still the same turn.
      expect((await read({ purpose: `${purpose}, second`, turn: handle })).turn).toMatchObject({ handle, calls: 2 });
      // Who drops it, invents one, or alters it is counted where the purpose belongs.
      const altered = `${handle.slice(0, -1)}${handle.endsWith("A") ? "B" : "A"}`;
      for (const turn of [undefined, "turn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", altered])
        expect(await read({ purpose, ...(turn && { turn }) })).toMatchObject({ ok: true, turn: { handle } });
      const refused = await read({ purpose: `${purpose}, third`, turn: handle });
      expect(refused).toMatchObject({ ok: false, code: "TURN_LIMIT", turn: { handle, calls: 5 } });
      const stranger = await enter(door, world, { token: await world.token("hurried"), subject: "hurried" });
      const theirs = await stranger.call("fs.stat", { path: "notes" }, { purpose, turn: handle });
      expect(theirs.turn).toMatchObject({ calls: 1 });
      expect(theirs.turn?.handle).not.toBe(handle);
      await stranger.close();
    }),
  );

  verifies("L2.batch", (door) =>
    asGuest(world, { door, subject: "looping" }, async (looping) => {
      const purpose = `batched on ${door}`;
      const ask = (name: string, path: string) => looping.call(name, { path }, { purpose });
      for (const path of ["notes/a/one.md", "notes/a/b/two.md", "notes/a/three.md"]) await ask("fs.readFile", path);
      await looping.call("fs.list", { dir: "notes" }, { purpose });
      await ask("fs.stat", "notes/todo.md");
      const { details } = await ask("fs.stat", "notes/todo.md");
      expect(details.batch).toEqual([
        { tool: "fs.readFile", calls: 3, under: "notes/a", instead: expect.stringContaining("search") },
      ]);
      expect(details.next).toContain("3 × fs.readFile under notes/a: one search");
    }),
  );

  verifies("L3.time", async () => {
    const client = await connect({ url: world.listening.websocket, token: await world.token("waiting") });
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/never`;
    const trace = { purpose: "wait" };
    expect(await client.request("tools.call", { name: "http.fetch", args: { url }, trace })).toMatchObject({
      ok: false,
      code: "TIMEOUT",
    });
    const before = closed;
    const controller = new AbortController();
    const call = client
      .call("http.fetch", { url }, { purpose: "wait", signal: controller.signal })
      .catch((error: unknown) => error);
    setTimeout(() => controller.abort(), 200);
    expect(JSON.stringify(await call) + String(await call)).toMatch(/CANCELLED|abort/i);
    await eventually(2_000, () => expect(closed).toBeGreaterThan(before));
    await client.close();
  });
});
