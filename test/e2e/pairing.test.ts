import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callTool, makeCode, newKey, pair, post } from "../support/userscript/pairing.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld({
    files: {
      "garden.md": "# Garden\n\nThe heron came to the pond at dawn.\n",
      "private/diary.md": "The heron is a secret.\n",
      ".env": "HERON=heron\n",
    },
  });
});
afterAll(() => world?.close());

const http = (): string => world.listening.http;
const chat = { id: "6744c1f2-aaaa-8000-9000-000000000001", title: "Of ponds" };
const say = (id: string, role: string, text: string) => ({ id, role, text });

/** Calls until the policy that was just written counts. */
async function settled(call: () => ReturnType<typeof callTool>): ReturnType<typeof callTool> {
  for (let tries = 0; ; tries++) {
    const reply = await call();
    if (reply.status !== 403 || tries > 40) return reply;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const search = async (token: string, query: string) => {
  const { body } = await settled(() => callTool(world, token, "search", { query }));
  return body as unknown as {
    result: { results: readonly { id: string; title: string; text: string }[] };
    citations: readonly { id: string; start: number; end: number; sha256: string }[];
  };
};

verifiesOnce("B1.pairing", async () => {
  const code = await makeCode(world, "firefox");
  const key = newKey();
  const wrong = await post(`${http()}/v1/pair`, { code: "00000-00000", key });
  expect(wrong).toMatchObject({ status: 403, body: { code: "PERMISSION_DENIED", details: { reason: "pairing" } } });
  const typed = code.toLowerCase().replace("-", " ");
  const { status, body } = await post(`${http()}/v1/pair`, { code: typed, key });
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body).toMatchObject({ name: "firefox", subject: "userscript" });
  expect(body).not.toHaveProperty("grant");
  const again = await post(`${http()}/v1/pair`, { code, key });
  expect(again.body).toEqual({ ...wrong.body, auditId: again.body.auditId });

  const whole = `${body.token}.${key}`;
  const found = await search(whole, "heron pond");
  expect(found.result.results.map(({ title }) => title)).toEqual(["Garden"]);
  // What the server gave is nothing without the script's own key, and another key does not help.
  for (const part of [String(body.token), `${body.token}.${newKey()}`])
    expect(await callTool(world, part, "search", { query: "heron" })).toMatchObject({ status: 401 });

  const listed = (await world.run("token", "list")).stdout;
  expect(listed).toMatch(
    /firefox +userscript +valid .*Userscript for chatgpt\.com: chat\.add, chat\.clip, chat\.offer, search/,
  );
  expect((await world.run("token", "revoke", "firefox")).status).toBe(0);
  expect(await callTool(world, whole, "search", { query: "heron" })).toMatchObject({ status: 401 });
});

test("of many who show one code at the same time one is paired", async () => {
  const code = await makeCode(world, "race");
  const tried = await Promise.all(Array.from({ length: 6 }, () => post(`${http()}/v1/pair`, { code, key: newKey() })));
  expect(tried.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
});

verifiesOnce("B1.confined", async () => {
  const { token } = await pair(world, "confined");
  const bearer = { authorization: `Bearer ${token}` };
  await search(token, "heron");
  for (const [name, args] of [
    ["fetch", { id: "notes/garden.md" }],
    ["fs.readFile", { path: `${world.folder}/garden.md` }],
    ["index.query", { query: "heron" }],
    ["index.add", { uri: "https://chatgpt.com/c/12345678", text: "x" }],
    ["http.fetch", { url: "https://example.com/" }],
  ] as const) {
    const { body } = await callTool(world, token, name, args);
    expect({ name, code: body.code, reason: (body.details as { reason?: string })?.reason }).toEqual({
      ...{ name, code: "PERMISSION_DENIED", reason: "grant" },
    });
  }
  for (const path of ["/v1/tools", "/v1/prompts", "/v1/manifest", "/v1/prompt", "/v1/resources"]) {
    const { status } = await fetch(`${http()}${path}`, { headers: bearer });
    expect({ path, refused: [401, 403].includes(status) }).toEqual({ path, refused: true });
  }
  const note = await post(`${http()}/v1/audit/notes`, { kind: "note", text: "x" }, bearer);
  expect(note.body.details).toMatchObject({ reason: "paired" });
  const mcp = await post(
    `${http()}/mcp`,
    {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
    },
    { ...bearer, accept: "application/json, text/event-stream" },
  );
  expect(mcp.status).toBe(401);
  const sse = await fetch(`${http()}/sse`, { headers: { ...bearer, accept: "text/event-stream" } });
  expect(sse.status).toBe(401);
  const events = await fetch(`${http()}/v1/events?topic=fs.watch`, { headers: bearer });
  expect([401, 403]).toContain(events.status);
  await expect(connect({ url: world.listening.websocket, token })).rejects.toMatchObject({
    code: expect.stringMatching(/^(UNAUTHENTICATED|PERMISSION_DENIED)$/),
  });
  // A page that got hold of the token names its origin, even one that the owner lets in otherwise.
  for (const origin of ["https://chatgpt.com", http()]) {
    const page = await post(
      `${http()}/v1/tools/call`,
      { name: "search", args: { query: "heron" } },
      { ...bearer, origin },
    );
    expect(page).toMatchObject({ status: 403, body: { details: { reason: "sender" } } });
    const code = await makeCode(world, "page");
    expect(await post(`${http()}/v1/pair`, { code, key: newKey() }, { origin })).toMatchObject({ status: 403 });
  }
});

test("a code is not traded under a foreign name of this machine, and what is too large is not read", async () => {
  const code = await makeCode(world, "guest");
  const { port } = new URL(http());
  const ask = (headers: Readonly<Record<string, string>>, body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = request(
        { host: "127.0.0.1", port, path: "/v1/pair", method: "POST", agent: false, headers },
        (response) => resolve(response.resume().statusCode ?? 0),
      );
      asking.once("error", reject).end(body);
    });
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ code, key: newKey() });
  expect(await ask({ ...json, host: `rebound.example:${port}` }, body)).toBe(403);
  expect(await ask({ ...json, "content-length": String(30 * 1024 ** 2) }, "{")).toBe(413);
  // Neither has used the code up.
  expect(await ask(json, body)).toBe(200);
});

verifiesOnce("B1.chats", async () => {
  const { token } = await pair(world, "chats");
  const add = (...messages: readonly unknown[]) =>
    settled(() => callTool(world, token, "chat.add", { chat, messages }));
  const first = await add(say("m2", "assistant", "Herons nest in **alders**."), say("m3", "user", "And egrets?"));
  expect(first.body, JSON.stringify(first.body)).toMatchObject({
    ok: true,
    result: { added: 2, changed: 0, known: 0 },
  });
  // What is scrolled into view overlaps with what is known, and stands before it; an answer has grown meanwhile.
  const second = await add(
    say("m1", "user", "Where do herons nest?"),
    say("m2", "assistant", "Herons nest in **alders**."),
  );
  expect(second.body.result).toMatchObject({ added: 1, changed: 0, known: 1 });
  const third = await add(
    say("m3", "user", "And egrets?"),
    say("m4", "assistant", "Egrets"),
    say("m5", "user", "Thanks"),
  );
  expect(third.body.result).toMatchObject({ added: 2, known: 1 });
  const fourth = await add(say("m4", "assistant", "Egrets nest in willows."));
  expect(fourth.body.result).toMatchObject({ added: 0, changed: 1 });

  const found = await search(token, "egrets willows");
  expect(found.result.results[0]).toMatchObject({ title: "Of ponds", text: expect.stringContaining("willows") });
  // The owner's own clients find it too, and read it whole and in order.
  const id = found.result.results[0]?.id;
  const { body } = await settled(() => callTool(world, world.ownerToken, "fetch", { id }));
  const text = (body.result as { text: string }).text;
  const order = ["Where do herons", "Herons nest", "And egrets?", "Egrets nest in willows", "Thanks"];
  expect(order.map((part) => text.indexOf(part))).toEqual(
    order.map((part) => text.indexOf(part)).sort((a, b) => a - b),
  );
  expect(text).not.toContain("Egrets\n");

  const clip = await callTool(world, token, "chat.clip", { chat, task: "Bird book", text: "Egrets nest in willows." });
  expect(clip.body).toMatchObject({ ok: true, result: { tag: "task/bird-book" } });
  const clips = await search(token, "tag:task/bird-book");
  expect(clips.result.results.map(({ title }) => title)).toContain("Bird book: from Of ponds");
});

test("the same message in an export and from the page is found once", async () => {
  const { token } = await pair(world, "once");
  const id = "0f0f0f0f-1111-4222-8333-444444444444";
  const conversation = {
    ...{ title: "Of newts", conversation_id: "6744c1f2-bbbb-8000-9000-000000000002", current_node: id, create_time: 1 },
    mapping: {
      [id]: {
        id,
        children: [],
        message: {
          id,
          author: { role: "user" },
          content: { content_type: "text", parts: ["Do newts hibernate under logs?"] },
        },
      },
    },
  };
  writeFileSync(`${world.folder}/conversations.json`, JSON.stringify([conversation]));
  const args = {
    chat: { id: conversation.conversation_id, title: "Of newts" },
    messages: [say(id, "user", "Do newts hibernate under logs?")],
  };
  expect((await settled(() => callTool(world, token, "chat.add", args))).body).toMatchObject({ ok: true });
  for (let tries = 0; ; tries++) {
    const { result } = await search(token, "newts hibernate");
    const { body } = await callTool(world, world.ownerToken, "index.query", { query: "newts hibernate logs" });
    const chunks = (body.result as { chunks?: readonly unknown[]; results?: readonly unknown[] }) ?? {};
    const passages = (chunks.chunks ?? chunks.results ?? []).length;
    if (result.results.length >= 1 && tries > 20) {
      expect(passages).toBe(1);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

verifiesOnce("B1.offer", async () => {
  const { token } = await pair(world, "offers");
  const { citations } = await search(token, "heron pond");
  const cited = citations.find(({ id }) => id === "notes/garden.md");
  const passage = { id: cited?.id, start: cited?.start, end: cited?.end, sha256: cited?.sha256 };
  const offered = await settled(() => callTool(world, token, "chat.offer", passage));
  expect(offered.body, JSON.stringify(offered.body)).toMatchObject({
    ok: true,
    result: {
      title: "Garden",
      text: expect.stringContaining("heron came"),
      cite: expect.stringMatching(/^notes\/garden\.md#bytes=\d+-\d+$/),
    },
  });
  const audit = (await world.audit()).filter(({ tool }) => tool === "chat.offer");
  expect(audit.map(({ kind }) => kind)).toEqual(["intent", "call"]);
  for (const record of audit) {
    expect(record).toMatchObject({ labels: { egress: true }, subject: "userscript", decision: "allow" });
    expect(record.resources).toEqual([`file://${world.folder}/garden.md`, "https://chatgpt.com/"]);
    expect(record.flow).toMatchObject({ sinks: expect.arrayContaining(["chatgpt.com"]) });
  }

  const other = await callTool(world, token, "chat.offer", { ...passage, end: (cited?.end ?? 0) - 3 });
  expect(other.body).toMatchObject({ code: "NOT_FOUND" });
  // What a search did not cite is no passage, even when its hash is right.
  const bytes = readFileSync(`${world.folder}/garden.md`).subarray(passage.start, (passage.end ?? 0) - 3);
  const part = { ...passage, end: (passage.end ?? 0) - 3, sha256: hash("sha256", bytes) };
  expect((await callTool(world, token, "chat.offer", part)).body).toMatchObject({ code: "NOT_FOUND" });
  const diary = await callTool(world, token, "chat.offer", { ...passage, id: "notes/private/diary.md" });
  expect(diary.body).toMatchObject({ code: "PERMISSION_DENIED" });
  expect((await world.run("cite", String((offered.body.result as { cite: string }).cite))).status).toBe(0);
  // The file is another by now, whatever the index still says.
  writeFileSync(`${world.folder}/garden.md`, "# Garden\n\nThe stork came to the pond at dawn.\n");
  expect((await callTool(world, token, "chat.offer", passage)).body).toMatchObject({ code: "NOT_FOUND" });
});

verifiesOnce("B1.offer-flow", async () => {
  writeFileSync(`${world.folder}/pond.md`, "# Pond\n\nThe bittern booms in the reeds.\n");
  const { token } = await pair(world, "narrow", "--subject", "narrow");
  let cited: Awaited<ReturnType<typeof search>>["citations"][number] | undefined;
  for (let tries = 0; !cited && tries < 50; tries++) {
    cited = (await search(token, "bittern reeds")).citations.find(({ id }) => id === "notes/pond.md");
    if (!cited) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const passage = { id: cited?.id, start: cited?.start, end: cited?.end, sha256: cited?.sha256 };
  expect((await settled(() => callTool(world, token, "chat.offer", passage))).body).toMatchObject({ ok: true });
  // The owner lets notes be found, and no longer go to that site: also in a line of work that has seen nothing yet.
  const fresh = await pair(world, "fresh", "--subject", "narrow");
  const file = `${world.data}/policies/narrow.yaml`;
  world.policy("narrow.yaml", readFileSync(file, "utf8").replace(/clearance: \[.*\]/, 'clearance: ["chats"]'));
  for (let tries = 0; ; tries++) {
    const { body } = await callTool(world, fresh.token, "chat.offer", passage);
    if (body.ok && tries < 40) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    expect(body).toMatchObject({ code: "FLOW_BLOCKED", details: { rule: "R1", sinks: ["chatgpt.com"] } });
    break;
  }
});
