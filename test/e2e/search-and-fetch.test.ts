import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { enterMcp, stdioTransport } from "../support/doors.ts";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld({
    files: {
      "garden/plan.md":
        "# Garden plan\r\n\r\nPlant the \u{1F345} tomatoes in the greenhouse, and the \u8C46 beans outside.\r\n\r\n## Water\r\n\r\nEvery evening.\r\n",
      "private/letter.md": "# A letter\n\nThe tomatoes are a secret.\n",
      "code/app.ts": "export function waterGreenhouse(litres: number): number {\n  return litres * 2;\n}\n",
    },
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "finder.yaml": `
subject: finder
scopes:
  - { tool: [search, fetch, "index.*", fs.readFile], allow: ["@served/**"], deny: ["@served/private/**"] }
`,
    },
  });
  await eventually(10_000, async () =>
    expect((await owner("search", { query: "tomatoes" })).result.results).not.toEqual([]),
  );
});
afterAll(() => world?.close());

const owner = async (name: string, args: Record<string, unknown>) => {
  const guest = { door: "http", subject: "finder" } as const;
  let answer: Awaited<ReturnType<Parameters<Parameters<typeof asGuest>[2]>[0]["call"]>> | undefined;
  await asGuest(world, guest, async (finder) => {
    answer = await finder.call(name, args);
  });
  if (!answer) throw new Error("no answer");
  return answer;
};

describe("search and fetch", () => {
  verifies("M2.search", (door) =>
    asGuest(world, { door, subject: "finder" }, async (finder) => {
      const found = await finder.call("search", { query: "tomatoes greenhouse" });
      expect(found.result.results[0]).toEqual({
        id: "notes/garden/plan.md",
        title: "Garden plan",
        text: expect.stringContaining("tomatoes"),
        url: expect.stringMatching(/^http:\/\/.+\/d\/notes\/garden\/plan\.md$/),
      });
      expect(Object.keys(found.result)).toEqual(["results"]);
    }),
  );

  verifies("M2.fetch", (door) =>
    asGuest(world, { door, subject: "finder" }, async (finder) => {
      const whole = await finder.call("fetch", { id: "notes/garden/plan.md" });
      expect(whole.result).toMatchObject({
        id: "notes/garden/plan.md",
        title: "Garden plan",
        text: readFileSync(join(world.folder, "garden/plan.md"), "utf8"),
      });
      expect(whole.result.url).toMatch(/^http/);
      expect(await finder.call("fetch", { id: "notes/no-such.md" })).toMatchObject({ ok: false, code: "NOT_FOUND" });
      for (const query of ["", "   "]) expect((await finder.call("search", { query })).result).toEqual({ results: [] });
    }),
  );

  verifies("I2.citation", (door) =>
    asGuest(world, { door, subject: "finder" }, async (finder) => {
      const { chunks } = (await finder.call("index.query", { query: "beans evening litres", topK: 10 })).result;
      expect(chunks.length).toBeGreaterThan(1);
      for (const { uri, start, end, sha256, text } of chunks) {
        const span = readFileSync(fileURLToPath(uri)).subarray(start, end);
        expect(createHash("sha256").update(span).digest("hex")).toBe(sha256);
        expect(span.toString("utf8")).toBe(text);
      }
    }),
  );

  verifies("I6.hidden", (door) =>
    asGuest(world, { door, subject: "finder" }, async (finder) => {
      for (const query of ["letter", "secret tomatoes", '"are a secret"', "private/letter.md"]) {
        const { results } = (await finder.call("search", { query })).result;
        expect(JSON.stringify(results)).not.toMatch(/letter|are a secret/);
        expect(JSON.stringify((await finder.call("index.query", { query })).result)).not.toMatch(/letter|are a secret/);
      }
      const hidden = await finder.call("fetch", { id: "notes/private/letter.md" });
      expect(hidden).toMatchObject({ ok: false, code: "PERMISSION_DENIED" });
      const absent = await finder.call("fetch", { id: "notes/private/absent.md" });
      expect(absent.code).toBe(hidden.code);
      expect(JSON.stringify((await finder.call("index.status", {})).result)).not.toContain("letter");
    }),
  );

  verifiesOnce("I3.follow", async () => {
    const path = join(world.folder, "fresh.md");
    writeFileSync(path, "# Fresh\n\nThe xylophone arrived.\n");
    const hits = async () => (await owner("search", { query: "xylophone" })).result.results.length;
    await eventually(1_500, async () => expect(await hits()).toBe(1));
    writeFileSync(path, "# Fresh\n\nThe bassoon arrived.\n");
    await eventually(1_500, async () => expect(await hits()).toBe(0));
    expect((await owner("search", { query: "bassoon" })).result.results).toHaveLength(1);
    rmSync(path);
    await eventually(1_500, async () =>
      expect((await owner("search", { query: "bassoon" })).result.results).toEqual([]),
    );
  });

  verifies("M2.chatgpt", async () => {
    const guest = await enterMcp(stdioTransport(world, ["--subject", "finder", "--profile", "chatgpt"]));
    const tools = await guest.tools();
    expect(tools.map(({ name }) => name).sort()).toEqual(["fetch", "search"]);
    for (const { name, input, annotations } of tools) {
      const only = name === "search" ? "query" : "id";
      expect(input).toMatchObject({ type: "object", required: [only] });
      expect(Object.keys((input as { properties: object }).properties)).toEqual([only]);
      expect(annotations).toMatchObject({ readOnlyHint: true });
    }
    expect((await guest.call("search", { query: "tomatoes" }, { purpose: "" })).result.results).toHaveLength(1);
    await guest.close();
  });
});
