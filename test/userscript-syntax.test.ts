import { describe, expect, test } from "vitest";
import { builtScript } from "./support/userscript/browser.ts";
import { lintScript } from "./support/userscript/lint-script.ts";
import { acting, planting } from "./support/userscript/mutants.ts";
import { verifiesOnce } from "./support/verifies.ts";

verifiesOnce("B2.syntax", () => {
  expect(lintScript(builtScript())).toEqual([]);
});

describe("a script is told by its syntax that", () => {
  // What this one does is done with names that the script has.
  const known = new Set(["reads by itself"]);
  test.each(
    [...acting, ...planting].filter(({ name }) => !known.has(name)).map((mutant) => [mutant.name, mutant] as const),
  )("%s", (_, { change }) => {
    expect(lintScript(change(builtScript()))).not.toEqual([]);
  });
});
