import { expect, test } from "vitest";
import { createSessions, type Session } from "./sessions.ts";

const limits = { total: 3, perGrant: 2, idleMs: 100, lifetimeMs: 1_000 };

function createSession(state: { busy?: boolean; open?: boolean } = {}): Session & { closed: number } {
  const session = {
    closed: 0,
    isBusy: () => state.busy ?? false,
    isOpen: () => state.open ?? false,
    async close() {
      session.closed += 1;
    },
  };
  return session;
}

test("another grant's session is as good as none", () => {
  const sessions = createSessions<Session>(() => 0, limits);
  sessions.add("s", "mine", createSession());
  expect(sessions.find("s", "yours")).toBeUndefined();
  expect(sessions.find("s", "mine")).toBeDefined();
});

test("the longest unused session of the same grant gives way", () => {
  const sessions = createSessions<Session>(() => 0, limits);
  const [first, second] = [createSession(), createSession()];
  sessions.add("1", "g", first);
  sessions.add("2", "g", second);
  sessions.find("1", "g");
  expect(sessions.add("3", "g", createSession())).toBe(true);
  expect([first.closed, second.closed]).toEqual([0, 1]);
});

test("a session with a call running never gives way", () => {
  const sessions = createSessions<Session>(() => 0, limits);
  for (const id of ["1", "2"]) sessions.add(id, "g", createSession({ busy: true }));
  expect(sessions.add("3", "g", createSession())).toBe(false);
  expect(sessions.size).toBe(2);
});

test("idle sessions end, those with a connected client do not, and none outlives its lifetime", () => {
  let now = 0;
  const sessions = createSessions<Session>(() => now, limits);
  const [idle, connected] = [createSession(), createSession({ open: true })];
  sessions.add("1", "a", idle);
  sessions.add("2", "b", connected);
  now = 101;
  sessions.add("3", "c", createSession());
  expect([idle.closed, connected.closed]).toEqual([1, 0]);
  now = 1_001;
  sessions.add("4", "d", createSession());
  expect(connected.closed).toBe(1);
});
