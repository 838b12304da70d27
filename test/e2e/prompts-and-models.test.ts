import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "../support/guests.ts";
import { type CompletingModel, createCompletingModel } from "../support/models/completing.ts";
import type { DoorName } from "../support/requirement.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const key = "model-key-7c1f04e9ab";
const secret = "AKIAQ3EGRDWPYT7XK2LM";
let model: CompletingModel;
let world: World;
let folder: string;

const put = (name: string, text: string): void => writeFileSync(join(folder, `${name}.md`), text);

const daily = `---
title: The day
description: Plans a day.
arguments:
  - { name: day, description: Which day, required: true }
  - mood
---
Plan {{day}} for me. {{ mood }} Leave {{this}} as it is, and {{day}} is the day.
`;

beforeAll(async () => {
  model = await createCompletingModel();
  const closed = await createCompletingModel();
  const gone = closed.url;
  await closed.close();
  world = await openWorld({
    files: { "diary.md": "The diary says: plums." },
    policies: {
      "duck.yaml": `
subject: "duck@home"
scopes:
  - { tool: prompts.get, allow: ["prompt://daily", "prompt://new"] }
  - { tool: sampling.create, allow: ["model://near", "model://far", "model://cleared", "model://gone"] }
  - { tool: fs.readFile, allow: ["FOLDER/**"] }
`,
      "goose.yaml": `subject: "goose@home"\nscopes:\n  - { tool: prompts.get, allow: ["prompt://other"] }\n`,
    },
    prepare({ data }) {
      folder = join(data, "prompts");
      mkdirSync(folder, { recursive: true });
      put("daily", daily);
      put("other", "Nothing to fill.");
      put("broken", "---\nname: No Name\n---\nx\n");
      writeFileSync(
        join(data, "portcullis.yaml"),
        `limits: { turnCalls: 1000 }
models:
  - { name: near, kind: ollama, url: "${model.url}", model: little, maxTokens: 50 }
  - { name: far, kind: openai, url: "${model.url}/v1", model: big, leaves: true, key: { secret: ${key} } }
  - { name: cleared, kind: ollama, url: "${model.url}", model: mine, leaves: true, untrusted: false, clearance: [notes] }
  - { name: gone, kind: ollama, url: "${gone}", model: little }
`,
      );
    },
  });
});
afterAll(async () => {
  await world?.close();
  await model?.close();
});

interface Visitor {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
  ask(method: string, params: Record<string, unknown>): Promise<any>;
  close(): Promise<void>;
}

/** A visitor who asks methods, each door in its own words: what is refused comes as an object with a code. */
async function visit(door: DoorName, subject: string): Promise<Visitor> {
  const token = await world.token(subject);
  const trace = { purpose: "to prove a promise" };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  if (door === "websocket") {
    const client = await connect({ url: world.listening.websocket, token });
    return {
      ask: (method, params) =>
        client.request(method as never, { ...params, trace } as never).catch((error: unknown) => error),
      close: () => client.close(),
    };
  }
  if (door === "http") {
    return {
      async ask(method, params) {
        const list = method === "prompts.list";
        const path = list ? "/v1/prompts" : `/v1/${method.replace(".", "/")}`;
        const init = list ? { headers } : { method: "POST", headers, body: JSON.stringify({ ...params, trace }) };
        return (await fetch(`${world.listening.http}${path}`, init)).json();
      },
      close: async () => {},
    };
  }
  const client = new Client(
    { name: "portcullis-tests", version: "1" },
    door === "mcp-http" ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {},
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(world.listening.mcp), { requestInit: { headers } }));
  return {
    async ask(method, params) {
      try {
        return method === "prompts.list" ? await client.listPrompts() : await client.getPrompt(params as never);
      } catch (error) {
        return (error as { data?: unknown }).data ?? error;
      }
    },
    close: () => client.close(),
  };
}

async function visiting(door: DoorName, subject: string, body: (visitor: Visitor) => Promise<void>): Promise<void> {
  const visitor = await visit(door, subject);
  try {
    await body(visitor);
  } finally {
    await visitor.close();
  }
}

verifies("M4.prompts", async (door) => {
  await visiting(door, "duck@home", async ({ ask }) => {
    const { prompts } = await ask("prompts.list", {});
    expect(prompts).toEqual([
      {
        ...{ name: "daily", title: "The day", description: "Plans a day." },
        arguments: [
          { name: "day", description: "Which day", required: true },
          { name: "mood", required: false },
        ],
      },
    ]);
    const filled = await ask("prompts.get", { name: "daily", arguments: { day: "Monday" } });
    expect(filled).toMatchObject({
      description: "Plans a day.",
      messages: [
        {
          role: "user",
          content: { type: "text", text: "Plan Monday for me.  Leave {{this}} as it is, and Monday is the day." },
        },
      ],
    });
    // What would open it, MCP tells beside the refusal's code.
    const denied = await ask("prompts.get", { name: "other" });
    expect(denied).toMatchObject({
      code: "PERMISSION_DENIED",
      details: { smallestScope: { scope: { tool: "prompts.get", allow: ["prompt://other"] } } },
    });
    // Who may not have it does not learn whether it is there.
    expect(await ask("prompts.get", { name: "none" })).toMatchObject({ code: "PERMISSION_DENIED" });
    expect(await ask("prompts.get", { name: "new" })).toMatchObject({ code: "NOT_FOUND" });
  });
  const last = (await world.audit()).filter(({ tool, kind }) => tool === "prompts.get" && kind === "call").at(-1);
  expect(last).toMatchObject({ resources: ["prompt://new"], outcome: "NOT_FOUND", subject: "duck@home" });
});

verifiesOnce("M4.prompts-plain", async () => {
  await visiting("websocket", "duck@home", async ({ ask }) => {
    const text = async (given: Record<string, string>): Promise<string> =>
      (await ask("prompts.get", { name: "daily", arguments: given })).messages[0].content.text;
    expect(await text({ day: "{{mood}}", mood: "{{day}}" })).toContain("Plan {{mood}} for me. {{day}} Leave");
    expect(await text({ day: "$& $1 $\u0060 \\0" })).toContain("Plan $& $1 $\u0060 \\0 for me.");
    expect(await text({ day: `my key ${secret}` })).not.toContain(secret);
    for (const given of [{}, { day: "a", night: "b" }, { day: "a", __proto__x: "b" }])
      expect(await ask("prompts.get", { name: "daily", arguments: given })).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await ask("prompts.get", { name: "../daily" })).toMatchObject({ code: "INVALID_PARAMS" });
  });
});

verifiesOnce("M4.prompts-changed", async () => {
  const client = new Client({ name: "portcullis-tests", version: "1" });
  let told = 0;
  client.setNotificationHandler("notifications/prompts/list_changed", () => {
    told += 1;
  });
  const token = await world.token("duck@home");
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(world.listening.mcp), { requestInit: { headers } }));
  const names = async (): Promise<string[]> => (await client.listPrompts()).prompts.map(({ name }) => name);
  try {
    expect(await names()).toEqual(["daily"]);
    put("new", "A new one.");
    await eventually(10_000, async () => expect(await names()).toEqual(["daily", "new"]));
    await eventually(10_000, () => expect(told).toBeGreaterThan(0));
    put("new", "---\nunknown: key\n---\nA broken one.");
    await eventually(10_000, async () => expect(await names()).toEqual(["daily"]));
    expect(world.log()).toContain("is no key of a prompt");
    expect(world.log()).toContain("broken.md is not offered");
  } finally {
    rmSync(join(folder, "new.md"), { force: true });
    await client.close();
  }
});

const say = (text: string) => [{ role: "user", content: { type: "text", text } }];

verifies("W8.sampling", async (door) => {
  await visiting(door, "duck@home", async ({ ask }) => {
    const answer = await ask("sampling.create", {
      messages: say("hello"),
      maxTokens: 1_000,
      systemPrompt: "Be short.",
    });
    expect(answer).toEqual({
      ...{ role: "assistant", model: "near", stopReason: "endTurn" },
      content: { type: "text", text: "You said: hello" },
      usage: { inputTokens: 7, outputTokens: 3 },
    });
    expect(model.asked.at(-1)).toMatchObject({
      model: "little",
      options: { num_predict: 50 },
      messages: [
        { role: "system", content: "Be short." },
        { role: "user", content: "hello" },
      ],
    });
    expect(await ask("sampling.create", { messages: [] })).toMatchObject({ code: "INVALID_PARAMS" });
    expect(await ask("sampling.create", { messages: say("x"), model: "other" })).toMatchObject({
      code: "PERMISSION_DENIED",
    });
  });
  const record = (await world.audit()).find(({ tool, outcome }) => tool === "sampling.create" && outcome === "ok");
  expect(record).toMatchObject({ resources: ["model://near"], subject: "duck@home" });
});

verifiesOnce("W8.leaves", async () => {
  await visiting("websocket", "duck@home", async ({ ask }) => {
    const far = (text: string) => ask("sampling.create", { messages: say(text), model: "far" });
    expect(await far("hello")).toMatchObject({ content: { text: "You said: hello" }, stopReason: "maxTokens" });
    expect(model.keys.at(-1)).toBe(`Bearer ${key}`);
    const before = model.asked.length;
    expect(await far(`use ${secret}`)).toMatchObject({
      code: "PERMISSION_DENIED",
      details: { reason: "secret-in-arguments" },
    });
    expect(model.asked.length).toBe(before);
  });
  await visiting("websocket", "duck@home", async ({ ask }) => {
    const read = await ask("tools.call", { name: "fs.readFile", args: { path: join(world.folder, "diary.md") } });
    expect(read).toMatchObject({ ok: true });
    const before = model.asked.length;
    expect(await ask("sampling.create", { messages: say("Sum it up."), model: "far" })).toMatchObject({
      code: "FLOW_BLOCKED",
    });
    expect(model.asked.length).toBe(before);
    for (const name of ["near", "cleared"])
      expect(await ask("sampling.create", { messages: say("Sum it up."), model: name })).toMatchObject({ model: name });
  });
});

verifiesOnce("W8.faults", async () => {
  await visiting("websocket", "duck@home", async ({ ask }) => {
    model.fail(500);
    const failed = await ask("sampling.create", { messages: say("a private thought"), model: "far" });
    expect(failed).toMatchObject({ code: "UPSTREAM", details: { model: "far", status: 500 } });
    expect(JSON.stringify(failed)).not.toMatch(/private thought|127\.0\.0\.1|model-key/);
    const gone = await ask("sampling.create", { messages: say("hello"), model: "gone" });
    expect(gone).toMatchObject({ code: "UPSTREAM" });
    expect(JSON.stringify(gone)).not.toContain("127.0.0.1");
  });
});
