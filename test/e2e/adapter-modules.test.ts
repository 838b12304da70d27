import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest } from "../support/guests.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, runPortcullis, type World } from "../support/world.ts";

let world: World;
let made: string;

beforeAll(async () => {
  world = await openWorld({
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: tasks.find, allow: ["FOLDER/../tasks/lines.txt"] }
---
subject: stranger
scopes:
  - { tool: tasks.find, allow: ["FOLDER/**"] }
`.replaceAll("FOLDER/../tasks", "BASE/tasks"),
    },
    async prepare({ data, base }) {
      made = join(base, "tasks");
      const begun = await runPortcullis(["adapter", "new", "tasks", "--to", made], {
        PATH: process.env.PATH,
        HOME: base,
      });
      expect(begun.status, begun.stderr).toBe(0);
      const policy = join(data, "policies", "reader.yaml");
      writeFileSync(policy, readFileSync(policy, "utf8").replaceAll("BASE", base));
      writeFileSync(
        join(data, "portcullis.yaml"),
        `adapters:\n  - { name: tasks, module: ${made}/adapter.ts, options: { file: ${made}/lines.txt } }\n`,
      );
    },
  });
});
afterAll(() => world?.close());

describe("an adapter of one's own", () => {
  verifiesOnce("D10.scaffold", async () => {
    const checked = await world.run("adapter", "check", join(made, "adapter.ts"), "--json");
    expect(checked.status, checked.stdout).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true });
    await asGuest(world, { door: "mcp-http", subject: "reader" }, async (reader) => {
      expect((await reader.tools()).map(({ name }) => name)).toContain("tasks_find");
      expect(await reader.call("tasks.find", { text: "GARDEN" })).toMatchObject({
        ok: true,
        result: { lines: ["Buy seeds for the garden."] },
      });
      expect(await reader.call("tasks.find", {})).toMatchObject({ ok: false, code: "VALIDATION_ERROR" });
    });
    await asGuest(world, { door: "http", subject: "stranger" }, async (stranger) => {
      expect(await stranger.call("tasks.find", { text: "seeds" })).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
      });
    });
    expect((await world.run("policy", "check")).status).toBe(0);
    // What breaks it is told.
    const module = join(made, "broken.ts");
    writeFileSync(module, readFileSync(join(made, "adapter.ts"), "utf8").replace("return { lines", "return { line"));
    const broken = await world.run("adapter", "check", module);
    expect(broken.status).toBe(1);
    expect(broken.stdout).toContain("WRONG");
  });

  verifiesOnce("D10.faults", async () => {
    const faults = {
      "absent.ts": [undefined, /absent\.ts/],
      "syntax.ts": ["export default (", /syntax\.ts/],
      "empty.ts": ["export {}", /no function as its default export/],
      "thrower.ts": ["export default () => { throw new Error('no file given') }", /no file given/],
      "other.ts": ["export default () => ({ tools: () => [{ name: 'fs.readFile' }] })", /begin with \\?"tasks\./],
    } as const;
    for (const [file, [content, told]] of Object.entries(faults)) {
      if (content !== undefined) writeFileSync(join(made, file), content);
      const config = join(world.base, "other.yaml");
      writeFileSync(config, `adapters: [{ name: tasks, module: ${made}/${file} }]\n`);
      const { status, stderr } = await world.run("index", "status", "--config", config);
      expect(stderr).toMatch(told);
      expect(status, stderr).toBe(78);
    }
  });
});
