import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readSettings } from "../config/read-settings.ts";
import { type Engines, openEngines } from "./engines.ts";

const key = "a secret of thirty-two characters, at least";
const opened: Engines[] = [];
afterEach(async () => {
  for (const engines of opened.splice(0)) await engines.close();
});

/** Opens what settings name. Nothing listens on port 1, so that every engine is away. */
async function open(stores: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  const data = mkdtempSync(join(tmpdir(), "portcullis-engines-"));
  try {
    writeFileSync(join(data, "portcullis.yaml"), JSON.stringify({ stores }));
    writeFileSync(join(data, "secrets"), "PASSWORD=from a file: 100%\n");
    const filled = Object.fromEntries(Object.entries(stores).map(([name, text]) => [name, text.replace("DATA", data)]));
    const { stores: settings } = readSettings(data, {}, {});
    const engines = await openEngines({ stores: { ...settings, ...filled } }, env);
    opened.push(engines);
    return engines;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

test.each([
  ["no key", { limits: "redis://127.0.0.1:1" }, /stores\.key is not set/],
  ["a short key", { limits: "redis://127.0.0.1:1", key: "short" }, /5 characters/],
  [
    "an engine that does not keep it",
    { identity: "redis://127.0.0.1:1", key },
    /identity cannot be kept by redis; it can by postgres/,
  ],
  ["an engine that there is not", { audit: "mysql://127.0.0.1:1/x" }, /stores\.audit is no URL of an engine/],
  ["no URL", { audit: "127.0.0.1" }, /stores\.audit is no URL/],
  [
    "a name that the environment lacks",
    { audit: "postgres://a:${NONE}@127.0.0.1:1/x" },
    /stores\.audit: The environment has no NONE/,
  ],
])("settings with %s are refused with what to do", async (_what, stores, message) => {
  await expect(open(stores)).rejects.toMatchObject({
    exit: 78,
    message: expect.stringMatching(message),
    next: expect.any(String),
  });
});

test("passwords come from the environment or a file, are escaped, and are masked", async () => {
  const engines = await open(
    {
      audit: "postgres://a:${PASSWORD}@127.0.0.1:1/x",
      limits: "redis://:${OTHER}@127.0.0.1:1",
      key: "${KEY}",
      secretsFile: "DATA/secrets",
    },
    { OTHER: "of the environment/@", KEY: key },
  );
  expect(engines.key).toBe(key);
  const values = engines.secrets.map(({ value }) => value);
  expect(values).toEqual(expect.arrayContaining(["from a file: 100%", "of the environment/@", key]));
});

test("an engine that is away is no fault of the settings, and what anybody is told names no place", async () => {
  const engines = await open({ identity: "postgres://127.0.0.1:1/x", consent: "postgres://127.0.0.1:1/x", key });
  const [fault] = engines.faults();
  expect(fault?.concerns).toEqual(["identity", "sessions", "consent"]);
  expect(fault?.why).toContain("127.0.0.1:1");
  expect(fault?.says).toBe("PostgreSQL is away; it keeps identity, sessions, consent.");
  expect(engines.of("identity")).toBe(engines.of("consent"));
  expect(engines.of("audit")).toBeUndefined();
});
