import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, dialLine, type SocketLine } from "../support/socket-line.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let token: string;

const guests = `
subject: guest
purpose: optional
scopes:
  - { tool: fs.readFile, allow: ["@served/**"], deny: ["@served/hidden/**"] }
`;

/** A key that is made up: its shape is all that counts. */
const key = `AKIA${"Q7ZK3M9XWB2LTC5D"}`;
const line = (number: number): string => `line ${number}: nothing that anyone would hide, and so on to the end\n`;
/** About three megabytes with a key in each few kilobytes, at every place beside a chunk's border. */
const large = Array.from({ length: 50_000 }, (_, number) =>
  number % 61 === 0 ? `note: ${key} ${line(number)}` : line(number),
).join("");

beforeAll(async () => {
  world = await openWorld({
    files: {
      "large.txt": large,
      "hidden/c.md": "c",
      "bytes.bin": Buffer.from([0, 255, 1, 254, 0xfe]),
      "ä ö.md": "Grüße",
    },
    policies: { "guest.yaml": guests },
  });
  token = await world.token("guest");
});
afterAll(() => world?.close());

async function dial(): Promise<SocketLine> {
  const socket = await dialLine(Number(new URL(world.listening.http).port));
  socket.send(ask(1, "auth.exchange", { token }));
  await socket.next();
  return socket;
}

const uriOf = (path: string): string => `file://${encodeURI(join(world.folder, path))}`;

test("a WebSocket reads a large file by credit, with every key masked", async () => {
  const socket = await dial();
  socket.send(ask(2, "resources.read", { uri: uriOf("large.txt"), credit: 2 }));
  const { result } = await socket.next();
  expect(result).toMatchObject({ encoding: "text", size: Buffer.byteLength(large), offset: 0 });
  let text = "";
  for (let seq = 0; ; seq++) {
    const { params } = await socket.next();
    expect(params.seq).toBe(seq);
    if (params.done) {
      expect(params.failure).toBeUndefined();
      expect(params.sha256).toBe(createHash("sha256").update(text).digest("hex"));
      expect(params.size).toBe(Buffer.byteLength(text));
      break;
    }
    text += params.data;
    socket.send({ jsonrpc: "2.0", method: "resources.credit", params: { streamId: result.streamId, chunks: 1 } });
  }
  expect(text).not.toContain(key);
  expect(text).toBe(large.replaceAll(key, "[redacted:aws-access-key]"));
  socket.socket.close();
});

test("HTTP gives a resource, a range and a list", async () => {
  const get = (query: string, headers = {}) =>
    fetch(`${world.listening.http}/v1/resources${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  const all = await get(`?uri=${encodeURIComponent(uriOf("ä ö.md"))}`);
  expect([all.status, await all.text()]).toEqual([200, "Grüße"]);
  const part = await get(`?uri=${encodeURIComponent(uriOf("ä ö.md"))}`, { range: "bytes=2-4" });
  expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "üß", "bytes 2-4/7"]);
  const bytes = await get(`?uri=${encodeURIComponent(uriOf("bytes.bin"))}`);
  expect(Buffer.from(await bytes.arrayBuffer())).toEqual(Buffer.from([0, 255, 1, 254, 0xfe]));
  const list = (await (await get("")).json()) as { resources: { name: string }[] };
  expect(list.resources.map(({ name }) => name)).toEqual(["bytes.bin", "large.txt", "ä ö.md"]);
  const hidden = await get(`?uri=${encodeURIComponent(uriOf("hidden/c.md"))}`);
  expect([hidden.status, ((await hidden.json()) as { code: string }).code]).toEqual([403, "PERMISSION_DENIED"]);
});
