import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { asGuest } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

// Look-alikes, joined here so that no scanner takes this file for a leak.
const key = ["AKIA", "Q7RZ2M4KXW5TPLNB"].join("");
const github = ["ghp", "_a8Kq2Zr5Xw9Tm3Bv7Nc1Ld6Hf4Jg0Ps2YuEi"].join("");
const badge = "BADGE-4711-XY";
const phrase = "lantern over the harbour";
const variable = "olive tree lane nine";

const kept = mkdtempSync(join(tmpdir(), "portcullis-house-"));
const house = join(kept, "house.env");
let world: World;

beforeAll(async () => {
  writeFileSync(house, `PORT=3000\nPHRASE="${phrase}"\nTREES="${variable}"\n`);
  world = await openWorld({
    files: {
      "phrases.md": `One: ${phrase}\nTwo: ${Buffer.from(`xx${phrase}yy`).toString("base64")}\nThree: ${Buffer.from(variable).toString("hex")}\nFour: lantern over the har\nbour\n`,
      "large.md": `${"The tide came in over the flats.\n".repeat(5_000)}The key is ${key}.\n`,
      "keys.md": `# Keys\n\nThe deploy key is ${key}.\n`,
      "encoded.txt": `blob: ${Buffer.from(`token ${github}`).toString("base64")}\n`,
      "settings.json": JSON.stringify({ [github]: "in a key", nested: { password: "hunter2-hunter2" } }),
      "badge.md": `My badge is ${badge}.\n`,
      "plain.md": "Nothing to hide.\n",
    },
    settings: `limits: { turnCalls: 1000 }\nredact: { patterns: ["BADGE-\\\\d{4}-[A-Z]{2}"], secretFiles: ["${house}"] }\n`,
    policies: {
      "reader.yaml": `
subject: reader
scopes:
  - { tool: ["fs.*", search, fetch], allow: ["@served/**"], redact: { patterns: ["(?i)nothing to \\\\w+"] } }
  - { tool: http.fetch, allow: ["https://docs.invalid/**"] }
`,
    },
  });
});
afterAll(async () => {
  await world?.close();
  rmSync(kept, { recursive: true, force: true });
});

describe("redaction", () => {
  verifies("R1.detectors", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      for (const name of ["keys.md", "encoded.txt", "settings.json"]) {
        const text = JSON.stringify((await reader.call("fs.readFile", { path: `notes/${name}` })).result);
        expect(text, name).toContain("[redacted:");
        expect(text).not.toMatch(
          new RegExp([key, github, "hunter2", Buffer.from(github).toString("base64").slice(0, 20)].join("|")),
        );
      }
    }),
  );

  verifies("R1b.registered", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const { content } = (await reader.call("fs.readFile", { path: "notes/phrases.md" })).result as {
        content: string;
      };
      expect(content.match(/\[redacted:/g)).toHaveLength(4);
      expect(content).not.toMatch(/lantern|olive|bGFudGVybi|6f6c697665/);
    }),
  );

  verifies("R2.large", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const answer = await reader.call("fs.readFile", { path: "notes/large.md" });
      expect(answer.why).toEqual([expect.stringMatching(/^masked 1 secret /)]);
      expect(JSON.stringify(answer)).not.toContain(key);
    }),
  );

  verifies("R2.arguments", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const answer = await reader.call("http.fetch", { url: `https://docs.invalid/page?k=${key}` });
      expect(answer).toMatchObject({
        ok: false,
        code: "PERMISSION_DENIED",
        details: { reason: "secret-in-arguments", next: expect.stringContaining("redact.arguments") },
      });
      expect(JSON.stringify(answer)).not.toContain(key);
      expect(JSON.stringify(await world.audit())).not.toContain(key);
    }),
  );

  verifies("R1.patterns", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      expect((await reader.call("fs.readFile", { path: "notes/badge.md" })).result.content).not.toContain(badge);
      expect((await reader.call("fs.readFile", { path: "notes/plain.md" })).result.content).not.toMatch(
        /nothing to hide/i,
      );
    }),
  );

  verifies("R3.why", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const answer = await reader.call("fs.readFile", { path: "notes/keys.md" });
      expect(answer.why).toEqual([expect.stringMatching(/^masked 1 secret /)]);
      const record = (await world.audit()).find(({ id }) => id === answer.auditId);
      expect(Object.values(record?.masks as Record<string, number>)).toEqual([1]);
      expect(
        (await reader.call("fs.readFile", { path: "notes/badge.md", range: { start: 0, end: 3 } })).why,
      ).toBeUndefined();
    }),
  );

  verifies("R2.errors", (door) =>
    asGuest(world, { door, subject: "reader" }, async (reader) => {
      const answer = await reader.call("fs.readFile", { path: `notes/${key}.md` });
      expect(answer).toMatchObject({ ok: false });
      expect(JSON.stringify(answer)).not.toContain(key);
      expect(JSON.stringify(await world.audit())).not.toContain(key);
    }),
  );
});
