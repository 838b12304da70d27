import { expect, test } from "vitest";
import type { Step } from "../flow/judge.ts";
import { createFlows } from "../pipeline/flows.ts";
import { EngineAway } from "../stores/engine.ts";
import type { FlowStore } from "../stores/flow-store.ts";
import { createFlowStore } from "../stores/memory/flow-store.ts";
import { createSharedFlows } from "./flows.ts";

const start = 1_000_000_000;
const caller = { subject: "duck@home", owner: false, grant: "token" };
const step = (own: readonly string[], sinks: Step["effects"]["sinks"] = []): Step => ({
  ...{ tool: "a.read", call: "1", client: "closed" },
  effects: { reads: { private: own, untrusted: [] }, sinks, consequence: "none" },
});
const out = [{ to: "evil.test", clearance: [] }];

/** Flows whose store can be taken away. */
function open() {
  const store = createFlowStore();
  let isAway = false;
  const guard =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isAway ? Promise.reject(new EngineAway("Redis", "it is a test")) : work(...args);
  const engine: FlowStore = {
    ...{ find: guard(store.find), change: guard(store.change), list: guard(store.list) },
    ...{ sweep: guard(store.sweep), mark: guard(store.mark), marks: guard(store.marks) },
  };
  const shared = createSharedFlows(engine, () => start);
  const flows = createFlows({
    ...{ store: shared, lifetimeMs: 3_600_000, egressOf: () => "closed", isolated: () => true },
    sources: { labelsOf: () => ({}), all: [] },
  });
  return {
    ...{ flows, shared },
    turn: (to: "away" | "back") => {
      isAway = to === "away";
    },
  };
}

test("while its store is away a line of work has seen everything: nothing leaves, and what has no label is shown", async () => {
  const { flows, turn } = open();
  const line = await flows.line(caller, undefined, start);
  expect((await flows.take(line, step([], out), start)).verdict).toMatchObject({ effect: "allow" });
  turn("away");
  expect((await flows.take(line, step([], out), start)).verdict).toMatchObject({ effect: "block", rule: "R1" });
  expect((await flows.look(line, step([], out), start)).verdict).toMatchObject({ effect: "block", rule: "R1" });
  expect((await flows.take(line, step([]), start)).verdict).toMatchObject({ effect: "allow" });
  turn("back");
  expect((await flows.take(line, step([], out), start)).verdict).toMatchObject({ effect: "allow" });
});

test("what cannot be kept is not given, so that nothing is forgotten when the store is back", async () => {
  const { flows, turn } = open();
  const line = await flows.line(caller, undefined, start);
  turn("away");
  await expect(flows.take(line, step(["crm"]), start)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(flows.show(line, step(["crm"]), start)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(flows.line(caller, "new", start)).rejects.toBeInstanceOf(EngineAway);
  turn("back");
  expect((await flows.take(line, step([], out), start)).verdict).toMatchObject({ effect: "allow" });
});

test("labels are those that were known last, and none can be added", async () => {
  const { shared, turn } = open();
  await shared.mark("file:///a", () => "labels");
  await shared.marks();
  turn("away");
  expect((await shared.marks()).get("file:///a")).toBe("labels");
  await expect(shared.mark("file:///b", () => "more")).rejects.toBeInstanceOf(EngineAway);
});
