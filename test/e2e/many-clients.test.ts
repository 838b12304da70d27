import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, type ConnectOptions, connect } from "@portcullis/client";
import type { EventSubscribed } from "@portcullis/contracts";
import { afterAll, beforeAll, expect } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../support/guests.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const many = 1_000;
const soon = 20_000;

let world: World;
let token: string;
const clients = new Set<Client>();

beforeAll(async () => {
  world = await openWorld({
    files: { "a.md": "hello" },
    policies: {
      "crowd.yaml":
        'subject: crowd\npurpose: optional\nscopes: [{ tool: [fs.watch, fs.readFile], allow: ["@served/**"] }]\n',
    },
    settings: "limits:\n  turnCalls: 10000\n  turnCeiling: 10000\n  concurrentCalls: 2000\n",
  });
  token = await world.token("crowd");
});
afterAll(async () => {
  await Promise.allSettled([...clients].map((client) => client.close()));
  await world?.close();
});

/** Connections as they are now, which a test can break as a network does: without a word to either side. */
const sockets = new Set<WebSocket>();
class Breakable extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    sockets.add(this);
    this.once("close", () => sockets.delete(this));
  }
}

async function dial(): Promise<Client> {
  const client = await connect({
    url: world.listening.websocket,
    token,
    WebSocket: Breakable as unknown as NonNullable<ConnectOptions["WebSocket"]>,
  });
  clients.add(client);
  return client;
}

const everyone = <Made>(make: (index: number) => Promise<Made>): Promise<Made[]> =>
  Promise.all(Array.from({ length: many }, (_, index) => make(index)));
const descriptorsOfServer = (): number => readdirSync(`/proc/${world.server.pid}/fd`).length;

/** What one follower was told. */
interface Heard {
  readonly added: Set<string>;
  readonly numbers: number[];
  /** One, which outlives its connection. */
  readonly subscriptions: Set<string>;
  /** Ends and gaps: there should be none. */
  readonly faults: unknown[];
}

const params = { dir: ".", glob: "e-*" };

async function followBy(client: Client): Promise<Heard & { close(): Promise<void> }> {
  const heard: Heard = { added: new Set(), numbers: [], subscriptions: new Set(), faults: [] };
  const { close } = await client.subscribe("fs.watch", params, {
    event: ({ seq, subscription, data }) => {
      heard.subscriptions.add(subscription);
      heard.numbers.push(seq);
      if (data.kind === "added") heard.added.add(String(data.path).split("/").at(-1) ?? "");
    },
    missed: (missed) => heard.faults.push(missed),
    ended: (reason) => heard.faults.push(reason),
  });
  return { ...heard, close };
}

verifiesOnce("K1.many", async () => {
  const idle = descriptorsOfServer();
  const crowd = await everyone(dial);
  expect(sockets.size).toBe(many);
  expect(descriptorsOfServer()).toBeGreaterThanOrEqual(idle + many);

  const read = (client: Client) => client.call("fs.readFile", { path: "a.md" });
  const outcomes = await everyone((index) => read(crowd[index] as Client));
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  expect(new Set(outcomes.map(({ auditId }) => auditId)).size).toBe(many);

  const following = await everyone((index) => followBy(crowd[index] as Client));
  const written: string[] = [];
  const put = (name: string): void => {
    writeFileSync(join(world.folder, name), "x");
    written.push(name);
  };
  const allHeard = (): Promise<void> =>
    eventually(soon, () => {
      expect(following.filter(({ added }) => added.size < written.length)).toHaveLength(0);
    });
  put("e-before");
  await allHeard();

  const broken = [...sockets];
  for (const socket of broken) socket.terminate();
  put("e-while-away-1");
  put("e-while-away-2");
  await allHeard();
  expect(broken.filter((socket) => sockets.has(socket))).toEqual([]);
  expect(sockets.size).toBe(many);
  put("e-after");
  await allHeard();
  for (const { added, numbers, subscriptions, faults } of following) {
    expect(faults).toEqual([]);
    expect(subscriptions.size).toBe(1);
    expect([...added].sort()).toEqual([...written].sort());
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  }
  const again = await everyone((index) => read(crowd[index] as Client));
  expect(again.filter(({ ok }) => !ok)).toEqual([]);

  await everyone(async (index) => {
    await following[index]?.close();
    await crowd[index]?.close();
  });
  await eventually(soon, () => {
    expect(sockets.size).toBe(0);
    // Some for what the server opened for itself meanwhile, such as its watcher.
    expect(descriptorsOfServer()).toBeLessThan(idle + 20);
  });
  // What was given up cannot be gone on with: each of these begins anew. One connection may have 64.
  const last = await dial();
  const given = following.filter((_, index) => index % 20 === 0);
  const begun = await Promise.all(
    given.map(({ subscriptions, numbers }) => {
      const resume = { subscription: [...subscriptions][0], after: numbers.at(-1) };
      return last.request("events.subscribe", { topic: "fs.watch", params, resume }) as Promise<EventSubscribed>;
    }),
  );
  expect(begun).toHaveLength(50);
  expect(begun.filter(({ subscription }, index) => given[index]?.subscriptions.has(subscription))).toEqual([]);
});
