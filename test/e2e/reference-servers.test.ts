import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { missingClients, runCodex } from "../support/clients.ts";
import { asGuest, eventually } from "../support/guests.ts";
import type { Step } from "../support/models/script.ts";
import { createScriptedResponses } from "../support/models/scripted-responses.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const missing = missingClients();
if (missing) console.warn(`The reference servers are skipped: ${missing}`);

const servers = join(import.meta.dirname, "..", "clients", "node_modules", "@modelcontextprotocol");
const program = (name: string): string => join(servers, `server-${name}`, "dist", "index.js");
const key = `ghp_${"0123456789abcdefghijABCDEFGHIJ012345"}`;

let world: World;
let shelf: string;

const source = (name: string, args: readonly string[], more: string): string =>
  `  - { kind: mcp, name: ${name}, command: ${process.execPath}, args: ${JSON.stringify(args)}, tools: { ${more} } }\n`;

describe.skipIf(missing !== undefined)("the reference servers of the protocol's makers", { timeout: 240_000 }, () => {
  beforeAll(async () => {
    world = await openWorld({
      files: { "todo.md": "# To do\n" },
      prepare({ base }) {
        shelf = join(base, "shelf");
        mkdirSync(join(shelf, "closed"), { recursive: true });
        writeFileSync(join(shelf, "plants.md"), `The ferns want water. The key is ${key}.\n`);
        writeFileSync(join(shelf, "closed", "diary.md"), "Nobody reads this.\n");
        mkdirSync(join(base, "data", "policies"), { recursive: true });
        writeFileSync(
          join(base, "data", "policies", "codex.yaml"),
          `subject: "codex@home"
scopes:
  - { tool: ["files.*"], allow: ["mcp://files/**", "${shelf}/**"], deny: ["${shelf}/closed/**"] }
  - { tool: ["every.*"], allow: ["mcp://every/**"] }
  - { tool: ["memory.*"], allow: ["mcp://memory/**"] }
`,
        );
        const reads = `"*": { effect: read, labels: { untrusted: false, egress: false } }`;
        const paths = ["read_text_file", "list_directory", "get_file_info"]
          .map((tool) => `${tool}: { effect: read, labels: { untrusted: false, egress: false }, paths: [path] }`)
          .join(", ");
        writeFileSync(
          join(base, "data", "portcullis.yaml"),
          `limits: { turnCalls: 1000 }\nsources:\n${source("files", [program("filesystem"), shelf], paths)}${source("every", [program("everything")], reads)}${source("memory", [program("memory")], reads)}`,
        );
      },
    });
  });
  afterAll(() => world?.close());

  verifiesOnce("D7.reference", async () => {
    await asGuest(world, { door: "http", subject: "codex@home" }, (guest) =>
      eventually(30_000, async () => {
        const names = (await guest.tools()).map(({ name }) => name).join();
        for (const source of ["files.", "every.", "memory."]) expect(names).toContain(source);
      }),
    );
    const steps: readonly Step[] = [
      { tool: /__files_read_text_file$/, args: { path: join(shelf, "plants.md"), purpose: "to water the plants" } },
      { tool: /__files_read_text_file$/, args: { path: join(shelf, "closed", "diary.md"), purpose: "to see" } },
      { tool: /__every_echo$/, args: { message: "hello", purpose: "to hear it again" } },
      { tool: /__memory_read_graph$/, args: { purpose: "to remember" } },
      { says: "The ferns want water." },
    ];
    const model = await createScriptedResponses(steps);
    try {
      const token = await world.token("codex@home");
      const ran = await runCodex({ server: { url: world.listening.mcp, token }, model: model.url });
      expect(ran.status, `${ran.stdout}\n${ran.stderr}`).toBe(0);
      const [plants, diary, echo, graph] = model.results();
      expect(plants).toContain("The ferns want water. The key is [redacted:");
      expect(diary).toContain("PERMISSION_DENIED");
      expect(diary).not.toContain("Nobody reads this");
      expect(echo).toContain("hello");
      expect(graph).toContain("entities");
    } finally {
      await model.close();
    }
    const calls = (await world.audit()).filter(({ kind, subject }) => kind === "call" && subject === "codex@home");
    expect(calls.map(({ tool, outcome }) => [tool, outcome])).toEqual([
      ["files.read_text_file", "ok"],
      ["files.read_text_file", "PERMISSION_DENIED"],
      ["every.echo", "ok"],
      ["memory.read_graph", "ok"],
    ]);
    expect(calls[0]).toMatchObject({
      purpose: { text: "to water the plants" },
      masks: { "github-token": expect.any(Number) },
    });
  });
});
