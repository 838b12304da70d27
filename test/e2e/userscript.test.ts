import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, builtScript, noBrowser, openBench, tellSkipped } from "../support/userscript/browser.ts";
import type { Renderer } from "../support/userscript/fixture-page.ts";
import { lintScript } from "../support/userscript/lint-script.ts";
import { pair } from "../support/userscript/pairing.ts";
import {
  type Proof,
  type Proving,
  provesInsert,
  provesPassive,
  provesReading,
  provesRefusedInsert,
  provesStop,
  provesWalk,
  stopNames,
} from "../support/userscript/proofs.ts";
import { openWorld, type World } from "../support/world.ts";

const without = noBrowser();
if (without !== undefined) tellSkipped(without);
const renderers: readonly Renderer[] = ["older", "newer"];

let world: World;
let bench: Bench;
let proving: Proving;

beforeAll(async () => {
  if (without !== undefined) return;
  world = await openWorld({
    files: {
      "garden.md": "# Garden\n\nThe heron came to the pond at dawn.\n",
      "litany.md": "# Litany\n\nA litany of reeds.\n",
    },
    settings: "limits: { turnCalls: 100000, turnCeiling: 100000 }\n",
  });
  const { token, name } = await pair(world, "browser");
  bench = await openBench(world.listening.http);
  proving = { bench, script: builtScript(), pairing: { server: world.listening.http, token, name } };
});
afterAll(async () => {
  await bench?.close();
  await world?.close();
});

const holds = (proof: Proof, renderer: Renderer) => async () => {
  expect(await proof(proving, renderer)).toEqual([]);
};

test("the built script has no way to send, by its syntax alone", () => {
  expect(lintScript(builtScript())).toEqual([]);
});

describe.skipIf(without !== undefined).each(renderers)("on the %s page", (renderer) => {
  test("a passage goes into the draft, and one undo takes it out", holds(provesInsert, renderer));
  test("what is too long or not taken is copied instead", holds(provesRefusedInsert, renderer));
  test("nothing happens by itself", holds(provesPassive, renderer));
  test("a chat is read at a person's pace, as far as it is new", holds(provesReading, renderer));
  test("a walk keeps to its pace, its list and its day", holds(provesWalk, renderer));
});

describe.skipIf(without !== undefined)("a reading ends", () => {
  test.each(stopNames)("on %s", async (name) => {
    expect(await provesStop(name)(proving, "newer")).toEqual([]);
  });
});
