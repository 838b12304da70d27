import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMcpHttp, type McpHttp } from "../../../packages/server/src/transports/mcp/http.ts";
import { createMcpSse } from "../../../packages/server/src/transports/mcp/sse.ts";
import {
  type ClientRun,
  type Entry,
  missingClients,
  runClaude,
  runCodex,
  runInspector,
} from "../../support/clients.ts";
import type { ScriptedModel, Step } from "../../support/models/script.ts";
import { createScriptedMessages } from "../../support/models/scripted-messages.ts";
import { createScriptedResponses } from "../../support/models/scripted-responses.ts";
import { document, openLibrary } from "./library.ts";

const missing = missingClients();
if (missing) console.warn(`Real clients are skipped: ${missing}`);

const library = openLibrary();
let server: Server;
let doors: McpHttp[];
let url: string;
let http: Entry;
const program = join(import.meta.dirname, "serve-library.ts");
const stdio: Entry = { command: process.execPath, args: ["--conditions=portcullis-source", program] };

beforeAll(async () => {
  const options = { corridor: library, profile: "full" as const, now: () => performance.now() };
  const [mcp, sse] = [createMcpHttp(options), createMcpSse(options)];
  doors = [mcp, sse];
  server = createServer((request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const sender = {
      credential: token === undefined ? ({ kind: "none" } as const) : ({ kind: "token", token } as const),
    };
    void (request.url?.startsWith("/sse") ? sse : mcp).handle(request, response, sender);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  http = { url: `${url}/mcp`, token: "secret" };
});
afterAll(async () => {
  await Promise.all(doors.map((door) => door.close()));
  server.closeAllConnections();
  server.close();
});

const steps: readonly Step[] = [
  { tool: /__search$/, args: { query: "plants", purpose: "to plan the week" } },
  { tool: /__fetch$/, args: ([found]) => ({ id: /"id": *"([^"]+)"/.exec(found ?? "")?.[1] }) },
  { says: "The plants want water on Thursday." },
];

async function drive(model: ScriptedModel, run: (model: string) => Promise<ClientRun>): Promise<void> {
  try {
    const ran = await run(model.url);
    const shown = `${ran.stdout}\n${ran.stderr}`;
    expect(ran.status, shown).toBe(0);
    const [found, read] = model.results();
    expect(found, shown).toContain(document.id);
    // The search shows only the beginning: the rest can have come from nowhere but fetch.
    expect(found).not.toContain("cobalt heron");
    expect(read, shown).toContain(document.text);
    expect(ran.stdout).toContain("The plants want water on Thursday.");
  } finally {
    await model.close();
  }
}

/** The client's own calls, as the corridor saw them. */
async function callsOf(body: () => Promise<void>) {
  const before = library.passed.length;
  await body();
  return library.passed.slice(before).flatMap(({ kind, arrival }) => (kind === "call" && arrival ? [arrival] : []));
}

describe.skipIf(missing !== undefined)("real clients search, then fetch", { timeout: 120_000 }, () => {
  test("Codex over HTTP, in the revision of its choice and in the newest", async () => {
    for (const modern of [false, true]) {
      const calls = await callsOf(async () =>
        drive(await createScriptedResponses(steps), (model) => runCodex({ server: http, model, modern })),
      );
      expect(calls.map(({ name }) => name)).toEqual(["search", "fetch"]);
      expect(calls[0]).toMatchObject({
        args: { query: "plants" },
        trace: { purpose: "to plan the week" },
        door: "mcp-http",
      });
      expect(calls[1]?.defaultPurpose).toMatch(/^use by codex/);
    }
  });

  test("Codex over stdio", async () => {
    await drive(await createScriptedResponses(steps), (model) => runCodex({ server: stdio, model }));
  });

  test("Claude Code over HTTP", async () => {
    const calls = await callsOf(async () =>
      drive(await createScriptedMessages(steps), (model) => runClaude({ server: http, model })),
    );
    expect(calls.map(({ name }) => name)).toEqual(["search", "fetch"]);
    expect(calls[1]?.defaultPurpose).toMatch(/^use by claude/);
  });

  test("Claude Code over stdio", async () => {
    await drive(await createScriptedMessages(steps), (model) => runClaude({ server: stdio, model }));
  });

  test("MCP Inspector in both eras and over the older pair", async () => {
    const call = ["--method", "tools/call", "--tool-name", "fetch", "--tool-arg", `id=${document.id}`];
    for (const way of [
      { url: `${url}/mcp`, transport: "http", era: "modern" },
      { url: `${url}/mcp`, transport: "http", era: "legacy" },
      { url: `${url}/sse`, transport: "sse" },
    ] as const) {
      const listed = await runInspector({ ...way, token: "secret", args: ["--method", "tools/list"] });
      expect(listed.answer, listed.stderr).toMatchObject({
        tools: [{ name: "search" }, { name: "fetch" }, { name: "fs_stat" }, {}, {}],
      });
      const called = await runInspector({ ...way, token: "secret", args: call });
      expect(called.answer, called.stderr).toMatchObject({ structuredContent: document });
    }
  });
});
