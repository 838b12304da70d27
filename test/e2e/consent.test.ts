import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Answer, Guest } from "../support/doors.ts";
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
purpose: optional
scopes:
  - { tool: [fs.readFile, search], allow: ["FOLDER/todo.md"] }
  - { tool: "*", deny: ["FOLDER/plans/private/**"] }
  - { tool: fs.stat, allow: ["FOLDER/**"], consent: ask }
`,
    },
    settings: "limits: { turnCalls: 500, turnCeiling: 5000 }\n",
  });
});
afterAll(() => world?.close());

const garden = { path: "notes/plans/garden.md" };
const house = { path: "notes/plans/house.md" };

/** A guest of a subject of its own: no other test's requests stand in its way. */
let guests = 0;
const asking = (door: Parameters<typeof asGuest>[1]["door"], body: (guest: Guest) => Promise<void>): Promise<void> =>
  asGuest(world, { door, subject: `${++guests}@asking` }, body);

const consentOf = (refused: Answer) => refused.details?.consent as Record<string, string>;
const decide = async (...args: readonly string[]): Promise<Record<string, { readonly id: string }>> => {
  const { status, stdout, stderr } = await world.run("consent", ...args, "--json");
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe("consent", () => {
  verifies("C1.request", (door) =>
    asking(door, async (guest) => {
      const refused = await guest.call("fs.readFile", garden, { purpose: "plan \u202Ethe\u200b garden" });
      expect(refused).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
        details: {
          reason: "no_allow",
          smallestScope: { scope: { tool: "fs.readFile" } },
          consent: {
            state: "open",
            id: expect.stringMatching(/^[0-9A-Z]{26}$/),
            times: 1,
            offers: ["once", "hour", "folder-hour", "day", "always", "never"],
            page: expect.stringContaining(`${world.listening.http}/consent/`),
            statusMethod: "consent.status",
          },
        },
      });
      const asked = await guest.call("fs.stat", garden);
      expect(asked).toMatchObject({
        code: "CONSENT_REQUIRED",
        details: { reason: "consent", consent: { state: "open" } },
      });
      // The same call is the same request, whatever the order of its arguments; one that differs by a byte is another.
      const again = await guest.call("fs.readFile", garden);
      expect(consentOf(again)).toMatchObject({ id: consentOf(refused).id, times: 2 });
      const other = await guest.call("fs.readFile", house);
      expect(consentOf(other).id).not.toBe(consentOf(refused).id);
      const full = await guest.call("fs.readFile", { ...house, encoding: "base64" });
      expect(full).toMatchObject({
        details: { consent: { state: "full", next: expect.stringContaining("3 requests") } },
      });
      expect(consentOf(full).id).toBeUndefined();
      // The owner sees what was asked, with nothing in it that could deceive.
      const { stdout } = await world.run("consent", "show", consentOf(refused).id ?? "");
      expect(stdout).toContain("plan <U+202E>the<U+200B> garden");
      expect(stdout).toMatch(/everything in the folder.*2 files|everything in the folder.*3 files/);
      expect((await world.run("consent", "show", consentOf(other).id ?? "")).stdout).toContain("1 other call");
    }),
  );

  verifies("C1.folder", (door) =>
    asking(door, async (guest) => {
      const { id } = consentOf(await guest.call("fs.readFile", garden)) as { id: string };
      expect(await guest.call("search", { query: "walnut" })).toMatchObject({ ok: true, result: { results: [] } });
      await decide("answer", id, "allow", "--folder", "--for", "8s");
      expect(await guest.call("fs.readFile", garden)).toMatchObject({ ok: true });
      expect(await guest.call("fs.readFile", house)).toMatchObject({ ok: true });
      // Another tool, another client and what a deny closes stay shut.
      expect(await guest.call("search", { query: "walnut" })).toMatchObject({ ok: true, result: { results: [] } });
      await asking(door, async (stranger) => {
        // stdio has no token: there a client is its subject.
        expect(await stranger.call("fs.readFile", house)).toMatchObject({ ok: false });
      });
      expect(await guest.call("fs.readFile", { path: "notes/plans/private/diary.md" })).toMatchObject({
        details: { reason: "denied" },
      });
      await eventually(15_000, async () => {
        expect(await guest.call("fs.readFile", garden)).toMatchObject({ ok: false, code: "PERMISSION_DENIED" });
      });
    }),
  );

  verifies("C1.deny-stays", (door) =>
    asking(door, async (guest) => {
      const refused = await guest.call("fs.readFile", { path: "notes/plans/private/diary.md" });
      expect(refused).toMatchObject({ code: "PERMISSION_DENIED", details: { reason: "denied", smallestScope: null } });
      expect(refused.details).not.toHaveProperty("consent");
      // A deny that comes after the question stands too.
      const { id } = consentOf(await guest.call("fs.readFile", garden)) as { id: string };
      world.policy("late.yaml", `subject: "*@asking"\nscopes:\n  - { tool: "*", deny: ["FOLDER/plans/garden.md"] }\n`);
      const answered = await world.run("consent", "answer", id, "allow", "--always");
      expect(answered.status).toBe(1);
      expect(answered.stderr).toContain("deny rule");
      expect((await decide("list")).requests).toContainEqual(expect.objectContaining({ id, state: "open" }));
      await decide("answer", id, "deny");
      world.policy("late.yaml", `subject: nobody\nscopes: [{ tool: fs.stat, deny: ["/nowhere"] }]\n`);
      await eventually(5_000, async () => {
        expect(await guest.call("fs.readFile", garden)).toMatchObject({
          details: { reason: "no_allow", consent: { state: "denied", id } },
        });
      });
    }),
  );

  verifies("C2.once", (door) =>
    asking(door, async (guest) => {
      const { id } = consentOf(await guest.call("fs.readFile", garden)) as { id: string };
      await decide("answer", id, "allow");
      // A byte more, and it is another call.
      expect(await guest.call("fs.readFile", { ...garden, encoding: "utf8" })).toMatchObject({ ok: false });
      const answers = await Promise.all(Array.from({ length: 64 }, () => guest.call("fs.readFile", garden)));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
      const [refused] = answers.filter(({ ok }) => !ok);
      expect(consentOf(refused as Answer).id).not.toBe(id);
      // consent: ask is answered by a grant, once.
      const asked = consentOf(await guest.call("fs.stat", garden)) as { id: string };
      await decide("answer", asked.id, "allow", "--once");
      expect(await guest.call("fs.stat", garden)).toMatchObject({ ok: true });
      expect(await guest.call("fs.stat", garden)).toMatchObject({ code: "CONSENT_REQUIRED" });
    }),
  );

  verifies("C2.withdraw", (door) =>
    asking(door, async (guest) => {
      const { id } = consentOf(await guest.call("fs.readFile", garden)) as { id: string };
      const { grant } = await decide("answer", id, "allow", "--always");
      expect(await guest.call("fs.readFile", garden)).toMatchObject({ ok: true });
      await decide("withdraw", grant?.id ?? "");
      expect(await guest.call("fs.readFile", garden)).toMatchObject({ ok: false });
      const again = consentOf(await guest.call("fs.readFile", garden)) as { id: string };
      expect(again.id).not.toBe(id);
      const never = await decide("never", again.id);
      const refused = await guest.call("fs.readFile", { ...garden, encoding: "base64" });
      expect(refused).toMatchObject({ ok: false, details: { consent: { state: "never" } } });
      expect(consentOf(refused).next).toContain(never.grant?.id);
      await decide("withdraw", never.grant?.id ?? "");
      expect(await guest.call("fs.readFile", { ...garden, encoding: "base64" })).toMatchObject({
        details: { consent: { state: "open" } },
      });
    }),
  );
});
