import { expect, test } from "vitest";
import type { Happening } from "../adapters/adapter.ts";
import { Backlog, type Next } from "./backlog.ts";
import { createRoom } from "./room.ts";

const limits = { events: 4, bytes: 100_000 };
const show = (happening: Happening): Happening => happening;
const happening = (name: string, key?: string): Happening => ({ event: "e", data: { name }, ...(key && { key }) });

function make(more: Partial<ConstructorParameters<typeof Backlog>[0]> = {}): Backlog {
  return new Backlog({ topic: {}, limits, room: createRoom(1_000_000), base: 100, ...more });
}

const all = (backlog: Backlog, by = show): Next[] => {
  const items: Next[] = [];
  for (let next = backlog.next(by); next; next = backlog.next(by)) items.push(next);
  return items;
};
const names = (items: readonly Next[]): readonly unknown[] =>
  items.map((item) => (item.kind === "event" ? item.happening.data.name : `${item.from}-${item.to} ${item.reason}`));

test("events get their numbers when they leave, and hidden ones get none", () => {
  const backlog = make();
  for (const name of ["a", "hidden", "b"]) backlog.offer(happening(name));
  const items = all(backlog, (one) => (one.data.name === "hidden" ? undefined : one) as Happening);
  expect(items).toMatchObject([
    { kind: "event", seq: 101 },
    { kind: "event", seq: 102 },
  ]);
  expect(backlog.isEmpty).toBe(true);
});

test("what waits beyond the limit is told as missed, once and by its numbers", () => {
  const backlog = make();
  for (const name of ["a", "b", "c", "d", "e", "f"]) backlog.offer(happening(name));
  expect(names(all(backlog))).toEqual(["101-102 slow", "c", "d", "e", "f"]);
  expect(backlog.last).toBe(106);
});

test("who comes back gets what was told again, and is told what is not kept", () => {
  const backlog = make();
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    backlog.offer(happening(name));
    all(backlog);
  }
  expect(backlog.rewind(104)).toBe(true);
  expect(names(all(backlog))).toEqual(["e", "f"]);
  expect(backlog.rewind(100)).toBe(true);
  expect(names(all(backlog))).toEqual(["101-102 forgotten", "c", "d", "e", "f"]);
  expect(backlog.rewind(107)).toBe(false);
});

test("what may not be told any more is not told again", () => {
  const backlog = make();
  for (const name of ["a", "b"]) backlog.offer(happening(name));
  all(backlog);
  backlog.rewind(100);
  expect(names(all(backlog, (one) => (one.data.name === "a" ? undefined : one) as Happening))).toEqual([
    "101-101 withdrawn",
    "b",
  ]);
});

test("a reader of an earlier life is told the gap up to the first number of this one", () => {
  const backlog = make({ after: 7 });
  backlog.offer(happening("a"));
  expect(names(all(backlog))).toEqual(["8-100 forgotten", "a"]);
});

test("what waits under one key is merged, but not over what has none", () => {
  const merge = (_before: Happening, after: Happening) => (after.data.name === "gone" ? undefined : after);
  const backlog = make({ topic: { merge } });
  backlog.offer(happening("a1", "a"));
  backlog.offer(happening("a2", "a"));
  backlog.offer(happening("rename"));
  backlog.offer(happening("a3", "a"));
  backlog.offer(happening("b1", "b"));
  backlog.offer(happening("gone", "b"));
  expect(names(all(backlog))).toEqual(["a2", "rename", "a3"]);
});

test("what the source did not notice is told where it stands", () => {
  const backlog = make();
  backlog.offer(happening("a"));
  backlog.lose();
  backlog.offer(happening("b"));
  expect(names(all(backlog))).toEqual(["a", "102-102 source", "b"]);
});

test("all together take no more than the room, and give it back", () => {
  const room = createRoom(2_000);
  const wide = { events: 1_000, bytes: 1_000_000 };
  const [one, other] = [make({ room, limits: wide }), make({ room, limits: wide })];
  for (let number = 0; number < 100; number++) {
    one.offer(happening(`one ${number}`));
    other.offer(happening(`other ${number}`));
    expect(room.isFull()).toBe(false);
  }
  const [first] = all(one);
  expect(first).toMatchObject({ kind: "missed", reason: "slow" });
  one.clear();
  other.clear();
  let left = 0;
  room.take(0);
  while (!room.isFull()) {
    room.take(100);
    left += 100;
  }
  expect(left).toBeGreaterThan(2_000);
});
