import { afterAll, beforeAll, describe, expect } from "vitest";
import { type ClientRun, type Entry, missingClients, runClaude, runCodex, runInspector } from "../support/clients.ts";
import { asGuest, eventually } from "../support/guests.ts";
import type { ScriptedModel, Step } from "../support/models/script.ts";
import { createScriptedMessages } from "../support/models/scripted-messages.ts";
import { createScriptedResponses } from "../support/models/scripted-responses.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, type World } from "../support/world.ts";

const missing = missingClients();
if (missing) console.warn(`Real clients are skipped: ${missing}`);

const ending = "Thursday, by the cobalt heron.";
let world: World;
let http: Entry;
let stdio: Entry;

beforeAll(async () => {
  world = await openWorld({
    files: { "plants.md": `# Plants\n\nWater the ferns.\n\n${"Nothing else to say here.\n\n".repeat(200)}${ending}\n` },
  });
  const token = await world.token("owner");
  http = { url: world.listening.mcp, token };
  stdio = { command: process.execPath, args: [main, "stdio", world.folder, "--data", world.data] };
  await asGuest(world, { door: "http", subject: "owner" }, async (owner) => {
    await eventually(10_000, async () =>
      expect(
        (await owner.call("search", { query: "ferns" }, { purpose: `${performance.now()}` })).result.results,
      ).toHaveLength(1),
    );
  });
});
afterAll(() => world?.close());

const steps: readonly Step[] = [
  { tool: /__search$/, args: { query: "ferns", purpose: "to plan the week" } },
  { tool: /__fetch$/, args: ([found]) => ({ id: /"id": *"([^"]+)"/.exec(found ?? "")?.[1] }) },
  { says: "The ferns want water." },
];

/** Drives a client through the script, and looks at what its model was given and at what the audit has of it. */
async function drive(model: ScriptedModel, run: (model: string) => Promise<ClientRun>): Promise<void> {
  const before = (await world.audit()).length;
  try {
    const ran = await run(model.url);
    const shown = `${ran.stdout}\n${ran.stderr}`;
    expect(ran.status, shown).toBe(0);
    const [found, read] = model.results();
    expect(found, shown).toContain("notes/plants.md");
    // A passage does not reach the end of the document: that can only have come from fetch.
    expect(found).not.toContain(ending);
    expect(read, shown).toContain(ending);
    expect(ran.stdout).toContain("The ferns want water.");
  } finally {
    await model.close();
  }
  const calls = (await world.audit()).slice(before).filter(({ kind }) => kind === "call");
  expect(calls.map(({ tool, outcome }) => [tool, outcome])).toEqual([
    ["search", "ok"],
    ["fetch", "ok"],
  ]);
  expect(calls[0]).toMatchObject({ purpose: { text: "to plan the week", stated: true } });
  expect(calls[1]).toMatchObject({ purpose: { text: expect.stringMatching(/codex|claude/i), stated: false } });
}

describe.skipIf(missing !== undefined)("real clients", { timeout: 240_000 }, () => {
  verifiesOnce("C.codex", async () => {
    for (const modern of [false, true]) {
      await drive(await createScriptedResponses(steps), (model) => runCodex({ server: http, model, modern }));
    }
    await drive(await createScriptedResponses(steps), (model) => runCodex({ server: stdio, model }));
  });

  verifiesOnce("C.claude", async () => {
    await drive(await createScriptedMessages(steps), (model) => runClaude({ server: http, model }));
    await drive(await createScriptedMessages(steps), (model) => runClaude({ server: stdio, model }));
  });

  verifiesOnce("C.inspector", async () => {
    const token = await world.token("owner");
    const call = ["--method", "tools/call", "--tool-name", "fetch", "--tool-arg", "id=notes/plants.md"];
    for (const way of [
      { url: world.listening.mcp, transport: "http", era: "modern" },
      { url: world.listening.mcp, transport: "http", era: "legacy" },
      { url: world.listening.sse, transport: "sse" },
    ] as const) {
      const listed = await runInspector({ ...way, token, args: ["--method", "tools/list"] });
      expect(JSON.stringify(listed.answer), listed.stderr).toMatch(/"name":"fetch".*"name":"search"/s);
      const called = await runInspector({ ...way, token, args: call });
      expect(JSON.stringify(called.answer), called.stderr).toContain(ending);
    }
  });
});
