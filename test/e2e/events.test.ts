import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEvents } from "../support/event-stream.ts";
import { eventually } from "../support/guests.ts";
import { ask, dialLine, type SocketLine } from "../support/socket-line.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
const soon = 10_000;

const guests = `
subject: guest
purpose: optional
scopes:
  - { tool: [fs.watch, fs.readFile], allow: ["@served/**"], deny: ["@served/hidden/**", "**/*.key"] }
`;

beforeAll(async () => {
  world = await openWorld({
    files: { "a.md": "a", "sub/b.md": "b", "hidden/c.md": "c" },
    policies: { "guest.yaml": guests },
  });
});
afterAll(() => world?.close());

const put = (path: string, text: string): void => writeFileSync(join(world.folder, path), text);

async function dial(token: string): Promise<SocketLine> {
  const line = await dialLine(Number(new URL(world.listening.http).port));
  line.send(ask(1, "auth.exchange", { token }));
  await line.next();
  return line;
}

test("a WebSocket is told what becomes of files, and not of hidden ones", async () => {
  const line = await dial(await world.token("guest"));
  line.send(ask(2, "events.subscribe", { topic: "fs.watch", params: { dir: "." } }));
  const { result } = await line.next();
  expect(result).toMatchObject({ topic: "fs.watch", resumed: false });
  put("hidden/new.md", "x");
  put("id.key", "x");
  put("new.md", "x");
  put("sub/b.md", "changed");
  await eventually(soon, () => expect(line.heard.length).toBeGreaterThanOrEqual(2));
  renameSync(join(world.folder, "new.md"), join(world.folder, "newer.md"));
  await eventually(soon, () => expect(line.heard.length).toBeGreaterThanOrEqual(3));
  rmSync(join(world.folder, "newer.md"));
  await eventually(soon, () => expect(line.heard.length).toBeGreaterThanOrEqual(4));

  line.socket.close();
});

test("server-sent events", async () => {
  const token = await world.token("guest");
  const stream = await readEvents(`${world.listening.http}/v1/events?topic=fs.watch&dir=.&glob=*.md`, token);
  expect(stream.status).toBe(200);
  put("sse.md", "x");
  await eventually(soon, () => expect(stream.frames.length).toBeGreaterThanOrEqual(2));

  stream.close();
});
