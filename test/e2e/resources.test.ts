import { createHash } from "node:crypto";
import { appendFileSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stdioTransport } from "../support/doors.ts";
import { logIn, soon } from "../support/follower.ts";
import { eventually } from "../support/guests.ts";
import { ask, call } from "../support/socket-line.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
let token: string;

const guests = (deny = ""): string => `
subject: guest
purpose: optional
scopes:
  - { tool: [fs.readFile, fs.stat], allow: ["@served/**"], deny: ["@served/hidden/**"${deny}] }
`;

/** A key that is made up: its shape is all that counts. */
const key = `AKIA${"Q7ZK3M9XWB2LTC5D"}`;
const mask = "[redacted:aws-access-key]";
const line = (number: number): string => `line ${number}: nothing that anyone would hide, and so on to the end\n`;
/** About three megabytes with a key in each few kilobytes, at every place beside a chunk's border. */
const large = Array.from({ length: 50_000 }, (_, number) =>
  number % 61 === 0 ? `note: ${key} ${line(number)}` : line(number),
).join("");
const masked = large.replaceAll(key, mask);

beforeAll(async () => {
  world = await openWorld({
    files: {
      "large.txt": large,
      "hidden/c.md": "c",
      "bytes.bin": Buffer.from([0, 255, 1, 254, 0xfe]),
      "ä ö.md": "Grüße",
      "wide.txt": Buffer.from(`note: ${key} and more\n`.repeat(50), "utf16le"),
      "keyed.bin": Buffer.concat([Buffer.from([0, 255]), Buffer.from(`note: ${key} end`), Buffer.from([0, 255])]),
    },
    settings: "limits: { turnCalls: 10000, turnCeiling: 100000 }\n",
    policies: { "guest.yaml": guests() },
  });
  token = await world.token("guest");
});
afterAll(() => world?.close());

const at = (path: string): string => join(world.folder, path);
const uriOf = (path: string): string => `file://${encodeURI(at(path))}`;
const get = (query: string, headers = {}): Promise<Response> =>
  fetch(`${world.listening.http}/v1/resources${query}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
const getFile = (path: string, headers = {}, more = ""): Promise<Response> =>
  get(`?uri=${encodeURIComponent(uriOf(path))}${more}`, headers);

interface Read {
  readonly text: string;
  readonly sha256: string;
  readonly size: number;
  /** The source's byte behind the last one that was told of. */
  readonly end: number;
  readonly failure?: { readonly code: string };
}

/** Reads by credit of one chunk at a time; `most` chunks, if given. */
async function readBySocket(path: string, more: object = {}, most = Number.POSITIVE_INFINITY): Promise<Read> {
  const socket = await logIn(world, token);
  socket.send(ask(2, "resources.read", { uri: uriOf(path), credit: 1, ...more }));
  const { result } = await socket.next();
  if (!result.streamId) throw new Error(JSON.stringify(result));
  let text = "";
  let end = result.offset as number;
  for (let seq = 0; ; seq++) {
    const { params } = await socket.next();
    expect(params.seq).toBe(seq);
    if (params.done || seq + 1 === most) {
      socket.socket.close();
      return { text: text + (params.data ?? ""), end: params.end ?? end, ...params };
    }
    text += params.data;
    end = params.end;
    socket.send({ jsonrpc: "2.0", method: "resources.credit", params: { streamId: result.streamId, chunks: 1 } });
  }
}

async function readByHttp(path: string, { offset }: { offset?: number } = {}): Promise<Pick<Read, "text">> {
  const response = await getFile(path, offset === undefined ? {} : { range: `bytes=${offset}-` });
  return { text: await response.text() };
}

/** A sparse file of two gigabytes takes no room on the disk; it is bytes, not text. */
function makeHuge(path: string): void {
  const fd = openSync(path, "w");
  writeSync(fd, "\0begin");
  truncateSync(path, 2 ** 31);
}

describe("streams", () => {
  verifies("W5.stream", async (door) => {
    if (door === "http") {
      expect((await readByHttp("large.txt")).text).toBe(masked);
    } else {
      const { text, sha256, size, end } = await readBySocket("large.txt");
      expect(text).toBe(masked);
      expect(sha256).toBe(createHash("sha256").update(masked).digest("hex"));
      expect([size, end]).toEqual([Buffer.byteLength(masked), Buffer.byteLength(large)]);
    }
    // Two gigabytes, of which some are read: calls beside them are answered, and memory stays where it is.
    makeHuge(at("huge.bin"));
    const before = await memoryOf(world);
    if (door === "http") {
      const controller = new AbortController();
      const response = await fetch(
        `${world.listening.http}/v1/resources?uri=${encodeURIComponent(uriOf("huge.bin"))}`,
        {
          headers: { authorization: `Bearer ${token}` },
          signal: controller.signal,
        },
      );
      let taken = 0;
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        taken += piece.length;
        if (taken > 2 ** 25) break;
      }
      const beside = await fetch(`${world.listening.http}/v1/tools/call`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ name: "fs.stat", args: { path: "large.txt" } }),
      });
      expect(await beside.json()).toMatchObject({ ok: true });
      controller.abort();
    } else {
      const socket = await logIn(world, token);
      socket.send(ask(2, "resources.read", { uri: uriOf("huge.bin"), credit: 600 }));
      socket.send(call(3, "fs.stat", { path: "large.txt" }));
      let [chunks, answered, before] = [0, false, 0];
      while (chunks < 600) {
        const message = await socket.next();
        if (message.method === "resources.chunk") chunks += 1;
        else if (message.id === 3) [answered, before] = [true, chunks];
      }
      // It did not wait for the stream that was asked for before it.
      expect([answered, before < 300]).toEqual([true, true]);
      // Without credit nothing more comes.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(socket.heard).toEqual([]);
      socket.socket.close();
    }
    expect((await memoryOf(world)) - before).toBeLessThan(300 * 1024);
  });

  verifies("W5.resume", async (door) => {
    const first = await readBySocket("large.txt", {}, 3);
    const rest =
      door === "http"
        ? await readByHttp("large.txt", { offset: first.end })
        : await readBySocket("large.txt", { offset: first.end });
    expect(first.text + rest.text).toBe(masked);
    // From the middle of a key on, nothing of it is told.
    for (const inside of [1, 5, key.length - 1]) {
      const offset = large.indexOf(key, 100_000) + inside;
      const read =
        door === "http" ? await readByHttp("large.txt", { offset }) : await readBySocket("large.txt", { offset });
      expect(masked.endsWith(read.text)).toBe(true);
      for (let from = 0; from + 6 <= key.length; from++) expect(read.text).not.toContain(key.slice(from, from + 6));
    }
  });

  verifies("W5.refused", async (door) => {
    const refusalOf = async (uri: string, more = {}): Promise<string> => {
      if (door === "http") {
        const response = await get(`?uri=${encodeURIComponent(uri)}`, more);
        return ((await response.json()) as { code: string }).code;
      }
      const socket = await logIn(world, token);
      socket.send(ask(2, "resources.read", { uri, ...more }));
      const { result, error } = await socket.next();
      socket.socket.close();
      return result?.code ?? error?.data.code ?? "ok";
    };
    expect(await refusalOf(uriOf("hidden/c.md"))).toBe("PERMISSION_DENIED");
    expect(await refusalOf("file:///etc/passwd")).toBe("PERMISSION_DENIED");
    expect(await refusalOf(uriOf("none.md"))).toBe("NOT_FOUND");
    expect(await refusalOf(`file://${at(".")}/../x`)).toMatch(/VALIDATION_ERROR|PERMISSION_DENIED/);
    for (const wrong of ["file://host/x", "file:x", "gopher://x", "file:///x?y", "file:///%zz", "file:///a//b"])
      expect(await refusalOf(wrong), wrong).toBe("VALIDATION_ERROR");
    expect(
      await refusalOf(uriOf("large.txt"), door === "http" ? { range: "bytes=999999999-" } : { offset: 999_999_999 }),
    ).toBe("VALIDATION_ERROR");
    if (door === "http") {
      expect(await refusalOf(uriOf("large.txt"), { range: "bytes=5-1" })).toBe("INVALID_PARAMS");
      return;
    }
    // What is withdrawn while it is read ends at once.
    const socket = await logIn(world, token);
    socket.send(ask(2, "resources.read", { uri: uriOf("large.txt"), credit: 1 }));
    const { result } = await socket.next();
    await socket.next();
    world.policy("guest.yaml", guests(', "@served/large.txt"'));
    await eventually(soon, async () => expect(await refusalOf(uriOf("large.txt"))).toBe("PERMISSION_DENIED"));
    socket.send({ jsonrpc: "2.0", method: "resources.credit", params: { streamId: result.streamId, chunks: 9 } });
    expect((await socket.next()).params).toMatchObject({ done: true, failure: { code: "PERMISSION_DENIED" } });
    world.policy("guest.yaml", guests());
    await eventually(soon, async () => expect(await refusalOf(uriOf("large.txt"))).toBe("ok"));
    socket.socket.close();
  });

  test("a stream is withdrawn by its id, and its end is on record", async () => {
    const socket = await logIn(world, token);
    socket.send(ask(2, "resources.read", { uri: uriOf("huge.bin"), credit: 1 }));
    const { result } = await socket.next();
    await socket.next();
    socket.send({ jsonrpc: "2.0", method: "call.cancel", params: { id: result.streamId } });
    const { params } = await socket.next();
    expect(params).toMatchObject({ done: true, failure: { code: "CANCELLED" } });
    const record = (await world.audit()).find(({ id }) => id === params.failure.auditId);
    expect(record).toMatchObject({ kind: "stream", tool: "resources.read", outcome: "CANCELLED" });
    socket.socket.close();
  });

  test("more streams of one connection than it may have are refused", async () => {
    const socket = await logIn(world, token);
    for (let id = 0; id < 16; id++) {
      socket.send(ask(id, "resources.read", { uri: uriOf("huge.bin"), credit: 0 }));
      expect((await socket.next()).result.streamId).toBeTypeOf("string");
    }
    socket.send(ask(99, "resources.read", { uri: uriOf("huge.bin"), credit: 0 }));
    expect((await socket.next()).result).toMatchObject({ code: "RATE_LIMITED" });
    socket.socket.close();
  });

  test("bytes come as they are, and a secret among them does not", async () => {
    const plain = await getFile("bytes.bin");
    expect(Buffer.from(await plain.arrayBuffer())).toEqual(Buffer.from([0, 255, 1, 254, 0xfe]));
    const keyed = Buffer.from(await (await getFile("keyed.bin")).arrayBuffer()).toString("latin1");
    expect(keyed).toContain(mask);
    expect(keyed).not.toContain(key);
    const wide = Buffer.from(await (await getFile("wide.txt")).arrayBuffer());
    expect(wide.toString("utf16le")).not.toContain(key);
    // Asking for bytes is no way around.
    const asBytes = Buffer.from(await (await getFile("large.txt", {}, "&encoding=base64")).arrayBuffer());
    expect(asBytes.toString()).toBe(masked);
  });

  test("a range and a list over HTTP", async () => {
    const all = await getFile("ä ö.md");
    expect([all.status, await all.text(), all.headers.get("content-type")]).toEqual([
      200,
      "Grüße",
      "text/markdown; charset=utf-8",
    ]);
    const part = await getFile("ä ö.md", { range: "bytes=2-4" });
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "üß", "bytes 2-4/7"]);
    const list = (await (await get("")).json()) as { resources: { name: string }[] };
    expect(list.resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["bytes.bin", "large.txt", "ä ö.md"]),
    );
    expect(JSON.stringify(list)).not.toContain("hidden");
  });

  test("pages of a long list have every file once", async () => {
    for (let number = 0; number < 450; number++) writeFileSync(at(`page-${number}.txt`), "x");
    const names: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined = ""; cursor !== undefined; pages++) {
      const query: string = cursor === "" ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const page = (await (await get(query)).json()) as { resources: { name: string }[]; nextCursor?: string };
      names.push(...page.resources.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect(pages).toBeGreaterThan(2);
    expect(names.filter((name) => name.startsWith("page-"))).toHaveLength(450);
    expect(new Set(names).size).toBe(names.length);
    expect((await get("?cursor=nonsense")).status).toBe(400);
  });

  test("the client package reads a resource as it comes", async () => {
    const client = await connect({ url: world.listening.websocket, token });
    let text = "";
    for await (const piece of client.read(uriOf("large.txt"))) text += piece.data;
    expect(text).toBe(masked);
    appendFileSync(at("ä ö.md"), "!");
    const pieces = [];
    for await (const piece of client.read(uriOf("ä ö.md"), { offset: 2, length: 2 })) pieces.push(piece);
    expect(pieces).toEqual([{ data: "ü", encoding: "text", offset: 2, end: 4 }]);
    await client.close();
  });
});

/** Resident memory of the server in KiB. */
async function memoryOf({ server }: World): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

describe("MCP", () => {
  verifies("M4.resources", async (door) => {
    const headers = { requestInit: { headers: { authorization: `Bearer ${token}` } } };
    const transport =
      door === "mcp-stdio"
        ? stdioTransport(world, ["--subject", "guest"])
        : door === "mcp-sse"
          ? new SSEClientTransport(new URL(world.listening.sse), headers)
          : new StreamableHTTPClientTransport(new URL(world.listening.mcp), headers);
    const options = door === "mcp-http" ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {};
    const client = new Client({ name: "reader", version: "1" }, options);
    await client.connect(transport);
    const { resources } = await client.listResources();
    expect(resources).toContainEqual({ uri: uriOf("ä ö.md"), name: "ä ö.md", mimeType: "text/markdown" });
    expect(JSON.stringify(resources)).not.toContain("hidden");
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ uriTemplate: "file:///{+path}" }]);
    const [text] = (await client.readResource({ uri: uriOf("keyed.bin") })).contents;
    const blob = Buffer.from((text as { blob: string }).blob, "base64").toString("latin1");
    expect(blob).toContain(mask);
    expect(blob).not.toContain(key);
    const [note] = (await client.readResource({ uri: uriOf("ä ö.md") })).contents;
    expect(note).toMatchObject({
      uri: uriOf("ä ö.md"),
      mimeType: "text/markdown",
      text: expect.stringContaining("Grüße"),
    });
    await expect(client.readResource({ uri: uriOf("hidden/c.md") })).rejects.toThrow(/allow|den/i);
    await expect(client.readResource({ uri: uriOf("huge.bin") })).rejects.toThrow(/more than may leave/);
    await client.close();
  });
});
