import { builtinModules } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

/** What a page has to load for this client, gzipped, in bytes. */
const most = 25_000;

test("a browser loads less than 25 kB, with nothing of Node's in it and nothing that makes code from texts", async () => {
  const bundle = await rolldown({
    input: join(import.meta.dirname, "index.ts"),
    platform: "browser",
    resolve: { conditionNames: ["portcullis-source", "import", "browser", "default"] },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "es", minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  const [{ code, imports, modules }] = output;
  // All of it was bundled: the client, its contracts and its libraries.
  for (const part of ["client/src/connect.ts", "contracts/src/methods.ts", "@cfworker/json-schema", "/ulid/"]) {
    expect(Object.keys(modules).some((path) => path.includes(part))).toBe(true);
  }
  expect(imports.filter((name) => name.startsWith("node:") || builtinModules.includes(name))).toEqual([]);
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/\bnew Function\b|\beval\(/);
  expect(gzipSync(code).length).toBeLessThan(most);
});
