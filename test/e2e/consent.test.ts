import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld({
    files: {
      "todo.md": "# To do\n\nWater the plants.\n",
      "plans/garden.md": "# Garden\n\nPlant a walnut.\n",
      "plans/house.md": "# House\n\nMend the roof.\n",
      "plans/private/diary.md": "# Diary\n\nSecretly a walnut.\n",
    },
    policies: {
      "asking.yaml": `
subject: "*@asking"
scopes:
  - { tool: [fs.readFile, search], allow: ["FOLDER/todo.md"] }
  - { tool: [fs.readFile, search], deny: ["FOLDER/plans/private/**"] }
`,
    },
  });
});
afterAll(() => world?.close());

const garden = { path: "notes/plans/garden.md" };

describe("consent", () => {
  verifies("C1.folder", (door) =>
    asGuest(world, { door, subject: `${door}@asking` }, async (asking) => {
      const refused = await asking.call("fs.readFile", garden);
      expect(refused).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
        details: {
          reason: "no_allow",
          consent: { state: "open", offers: expect.arrayContaining(["once", "folder-hour"]) },
        },
      });
      const { id } = refused.details.consent;
      const answered = await world.run("consent", "answer", id, "allow", "--folder", "--for", "3s");
      expect(answered, answered.stderr).toMatchObject({ status: 0 });
      expect(await asking.call("fs.readFile", garden)).toMatchObject({ ok: true });
      expect(await asking.call("fs.readFile", { path: "notes/plans/house.md" })).toMatchObject({ ok: true });
      expect(await asking.call("fs.readFile", { path: "notes/plans/private/diary.md" })).toMatchObject({
        code: "PERMISSION_DENIED",
        details: { reason: "denied" },
      });
      await eventually(10_000, async () => {
        expect(await asking.call("fs.readFile", garden, { purpose: `${Math.random()}` })).toMatchObject({ ok: false });
      });
    }),
  );
});
