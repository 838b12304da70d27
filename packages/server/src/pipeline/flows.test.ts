import { expect, test } from "vitest";
import type { Step } from "../flow/judge.ts";
import { createFlowStore } from "../stores/memory/flow-store.ts";
import { createFlows } from "./flows.ts";

const lifetimeMs = 3_600_000;
const start = 1_000_000_000;

function open(egress: "open" | "closed" = "closed") {
  const store = createFlowStore();
  let writes = 0;
  const counted = {
    ...store,
    change: (...args: Parameters<typeof store.change>) => {
      writes++;
      return store.change(...args);
    },
  };
  const flows = createFlows({
    ...{ store: counted, lifetimeMs, egressOf: () => egress, isolated: () => true },
    sources: { labelsOf: () => ({}), all: [] },
  });
  return { flows, store, writes: () => writes };
}

const caller = { subject: "duck@home", owner: false, grant: "token" };
const reading = (own: readonly string[], others: readonly string[], client: Step["client"] = "closed"): Step => ({
  ...{ tool: "a.read", call: "1", client },
  effects: { reads: { private: own, untrusted: others }, sinks: [], consequence: "none" },
});
const leaving: Step = {
  ...{ tool: "a.send", call: "2", client: "closed" },
  effects: { reads: { private: [], untrusted: [] }, sinks: [{ to: "evil.test", clearance: [] }], consequence: "none" },
};

test("of private and untrusted reads at the same moment, an open client gets one kind", async () => {
  for (let trial = 0; trial < 200; trial++) {
    const { flows } = open("open");
    const line = await flows.line(caller, undefined, start);
    const passed = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        flows.take(line, (n + trial) % 2 ? reading(["crm"], [], "open") : reading([], ["web:a"], "open"), start),
      ),
    );
    const given = new Set(passed.flatMap(({ verdict }, n) => (verdict.effect === "allow" ? [(n + trial) % 2] : [])));
    expect(given.size).toBe(1);
  }
});

test("what is kept is written when it changes, and again only to say when it was last read", async () => {
  const { flows, writes } = open();
  const line = await flows.line(caller, undefined, start);
  await flows.take(line, leaving, start);
  expect(writes()).toBe(0);
  for (let n = 0; n < 100; n++) await flows.take(line, reading(["crm"], []), start + n);
  expect(writes()).toBe(1);
  await flows.take(line, reading(["crm"], []), start + 70_000);
  expect(writes()).toBe(2);
  expect((await flows.take(line, leaving, start)).verdict).toMatchObject({ effect: "block", rule: "R1" });
});

test("a line of work ends its lifetime after the last labelled read, and never before", async () => {
  const { flows } = open();
  const line = await flows.line(caller, undefined, start);
  await flows.take(line, reading(["crm"], []), start);
  await flows.take(line, reading(["crm"], []), start + 50_000);
  expect((await flows.look(line, leaving, start + 50_000 + lifetimeMs)).verdict.effect).toBe("block");
  expect((await flows.look(line, leaving, start + lifetimeMs + 60_001)).verdict.effect).toBe("allow");
  expect((await flows.look(line, leaving, start - 10_000)).verdict.effect).toBe("block");
});

test("a new line of work begins with nothing, and the one without a handle has seen all that it sees", async () => {
  const { flows } = open();
  const fresh = await flows.line(caller, "new", start);
  await flows.take(fresh, reading(["crm"], []), start);
  const sticky = await flows.line(caller, undefined, start);
  expect((await flows.look(sticky, leaving, start)).before.private.map(({ label }) => label)).toEqual(["crm"]);
  const other = await flows.line(caller, "new", start);
  expect((await flows.look(other, leaving, start)).verdict.effect).toBe("allow");
  expect((await flows.line(caller, fresh.id, start)).id).toBe(fresh.id);
  for (const stranger of [
    { ...caller, grant: "other" },
    { ...caller, subject: "goose@home" },
  ])
    expect((await flows.line(stranger, fresh.id, start)).id).not.toBe(fresh.id);
});

test("a client with ways out of its own has one line of work, whatever it asks for", async () => {
  const { flows } = open("open");
  const [one, two] = [await flows.line(caller, "new", start), await flows.line(caller, "new", start)];
  expect(one.id).toBe(two.id);
});

test("a state that is garbage counts as everything, and stays so", async () => {
  const { flows, store } = open();
  const line = await flows.line(caller, undefined, start);
  await flows.take(line, reading(["crm"], []), start);
  await store.change(line.id, (kept) => kept && { ...kept, state: "{" });
  expect((await flows.take(line, leaving, start)).verdict).toMatchObject({ rule: "R1", met: [{ label: "*" }] });
  expect((await flows.take(line, reading(["hr"], []), start)).after.private).toEqual([
    { label: "*", tool: "a.send", call: "2" },
  ]);
});
