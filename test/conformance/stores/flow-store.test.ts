import { describe, expect, test } from "vitest";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import { atEnd, enginesOf, makeFolder } from "./engines.ts";

const record = (id: string, readAt: number) => ({
  ...{ id, subject: "duck@home", grant: "token", state: '{"private":[],"untrusted":[]}', openedAt: 1, readAt },
});

describe.each(enginesOf("flows"))("the flow store on $engine", ({ open: flows }) => {
  test("keeps what a change makes of a record, and lists the latest read first", async () => {
    const store = await flows();
    expect(await store.find("a")).toBeUndefined();
    await store.change("a", (kept) => {
      expect(kept).toBeUndefined();
      return record("a", 10);
    });
    await store.change("b", () => record("b", 20));
    await store.change("a", (kept) => (kept ? { ...kept, state: "other", readAt: 30 } : undefined));
    expect(await store.find("a")).toEqual({ ...record("a", 30), state: "other" });
    expect((await store.list()).map(({ id }) => id)).toEqual(["a", "b"]);
    expect(await store.sweep(25)).toBe(1);
    expect((await store.list()).map(({ id }) => id)).toEqual(["a"]);
  });

  test("a change that fails or wants nothing leaves what was there", async () => {
    const store = await flows();
    await store.change("a", () => record("a", 10));
    await store.change("a", () => undefined);
    await expect(
      store.change("a", () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await store.find("a")).toEqual(record("a", 10));
    await store.change("a", (kept) => (kept ? { ...kept, readAt: 11 } : undefined));
    expect((await store.find("a"))?.readAt).toBe(11);
  });

  test("of 64 changes at once none is lost", async () => {
    const store = await flows();
    await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        store.change("a", (kept) => ({ ...record("a", n), state: `${kept?.state ?? ""}.` })),
      ),
    );
    expect((await store.find("a"))?.state).toBe(".".repeat(64));
  });

  test("marks add up, and are the same map until one changes", async () => {
    const store = await flows();
    const none = await store.marks();
    expect(none.size).toBe(0);
    await store.mark("file:///a", (kept) => `${kept ?? ""}x`);
    await store.mark("file:///a", (kept) => `${kept ?? ""}y`);
    const marks = await store.marks();
    expect([...marks]).toEqual([["file:///a", "xy"]]);
    expect(await store.marks()).toBe(marks);
  });
});

test("what one process keeps of a flow, and of what it wrote, another sees at once", async () => {
  const folder = makeFolder();
  const [one, other] = [openState(folder), openState(folder)];
  atEnd(() => one.close());
  atEnd(() => other.close());
  expect((await other.flows.marks()).size).toBe(0);
  await one.flows.change("a", () => record("a", 10));
  await one.flows.mark("file:///a", () => "x");
  expect(await other.flows.find("a")).toEqual(record("a", 10));
  expect((await other.flows.marks()).get("file:///a")).toBe("x");
});
