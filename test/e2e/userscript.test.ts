import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printNow } from "../support/print-now.ts";
import { type Bench, builtScript, noBrowser, openBench, tellSkipped } from "../support/userscript/browser.ts";
import type { Renderer } from "../support/userscript/fixture-page.ts";
import { fuzz } from "../support/userscript/fuzz.ts";
import { acting } from "../support/userscript/mutants.ts";
import { pair } from "../support/userscript/pairing.ts";
import {
  type Proof,
  type Proving,
  prove,
  provesInsert,
  provesPassive,
  provesReading,
  provesReadingOn,
  provesRefusedInsert,
  provesStop,
  stopNames,
} from "../support/userscript/proofs.ts";
import { provesAstray, provesWalk, provesWalkEnds } from "../support/userscript/walk-proofs.ts";
import { verifiesOnce } from "../support/verifies.ts";
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
  expect(await prove(proof, proving, renderer)).toEqual([]);
};
/** A fixed one, so that a run can be had again; another is PORTCULLIS_SEED. */
const seed = Number(process.env.PORTCULLIS_SEED ?? 7);
const steps = Number(process.env.PORTCULLIS_STEPS ?? 400);

describe.skipIf(without !== undefined).each(renderers)("on the %s page", (renderer) => {
  test("a passage goes into the draft, and one undo takes it out", holds(provesInsert, renderer));
  test("what is too long or not taken is copied instead", holds(provesRefusedInsert, renderer));
  test("nothing happens by itself", holds(provesPassive, renderer));
  test("a chat is read at a person's pace, as far as it is new", holds(provesReading, renderer));
  test("a reading that was stopped is gone on with", holds(provesReadingOn, renderer));
  test("a walk keeps to its pace and its list", holds(provesWalk, renderer));
  test("a walk goes on only where it went itself, and so often", holds(provesWalkEnds, renderer));
  test("a walk ends where a chat leads elsewhere", holds(provesAstray, renderer));
  verifiesOnce(renderer === "older" ? "B2.fuzz-older" : "B2.fuzz-newer", async () => {
    const { faults, ...did } = await fuzz(proving, { renderer, seed, count: steps });
    printNow(`${steps} things on the ${renderer} page, seed ${seed}: ${JSON.stringify(did)}`);
    expect(faults).toEqual([]);
    expect(did.pastes).toBeGreaterThanOrEqual(5);
    expect(did.opened).toBeGreaterThanOrEqual(1);
    for (const tool of ["search", "chat.offer", "chat.add"])
      expect(did.calls[tool] ?? 0, tool).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(without !== undefined)("a reading ends", () => {
  test.each(stopNames)("on %s", async (name) => {
    expect(await provesStop(name)(proving, "newer")).toEqual([]);
  });
});

describe.skipIf(without !== undefined)("a script is noticed that", () => {
  const itself = new Set(["reads by itself", "scrolls by itself"]);
  test.each(acting.map((mutant) => [mutant.name, mutant] as const))("%s", async (name, { change }) => {
    const changed = { ...proving, script: change(builtScript()) };
    const faults = await prove(itself.has(name) ? provesPassive : provesInsert, changed, "newer");
    expect(faults).not.toEqual([]);
  });
});
