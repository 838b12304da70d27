import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Caller, Credential } from "../pipeline/arrival.ts";
import { createVigil, type Vigil } from "./vigil.ts";

let live: Map<string, number | null>;
let version: number;
let asked: number;
let faults: unknown[];
let broken: boolean;
let vigil: Vigil;

const token = (name: string): Credential => ({ kind: "token", token: name });

beforeEach(() => {
  vi.useFakeTimers();
  [live, version, asked, faults, broken] = [new Map(), 0, 0, [], false];
  vigil = createVigil({
    async identify(credential): Promise<Caller | undefined> {
      asked += 1;
      if (broken) throw new Error("The store cannot be read.");
      const endsAt = credential.kind === "token" ? live.get(credential.token) : undefined;
      if (endsAt === undefined || (endsAt !== null && endsAt <= Date.now())) return undefined;
      return { subject: "duck", owner: false, grant: "g", endsAt };
    },
    version: async () => version,
    now: Date.now,
    fault: (error) => faults.push(error),
  });
});
afterEach(() => {
  vigil.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("the vigil", () => {
  test("tells once that a credential was revoked, and asks about nothing while nothing is written", async () => {
    live.set("a", null);
    const ended = vi.fn();
    vigil.watch(token("a"), ended);
    await pass(5_000);
    expect([asked, ended.mock.calls.length]).toEqual([1, 0]);
    live.delete("a");
    version += 1;
    await pass(1_000);
    expect(ended).toHaveBeenCalledOnce();
    await pass(5_000);
    expect([asked, ended.mock.calls.length]).toEqual([2, 1]);
  });

  test("tells of a credential that was revoked between its being shown and being watched", async () => {
    const ended = vi.fn();
    vigil.watch(token("gone"), ended);
    await pass(1_000);
    expect(ended).toHaveBeenCalledOnce();
  });

  test("looks at all when this process says that it has ended one", async () => {
    live.set("a", null);
    const ended = vi.fn();
    vigil.watch(token("a"), ended);
    await pass(1_000);
    live.delete("a");
    await pass(5_000);
    expect(ended).not.toHaveBeenCalled();
    vigil.recheck();
    await pass(1_000);
    expect(ended).toHaveBeenCalledOnce();
  });

  test("asks again at the end that was known, and goes by the new one when it was moved", async () => {
    live.set("a", Date.now() + 10_000);
    const ended = vi.fn();
    vigil.watch(token("a"), ended);
    await pass(5_000);
    live.set("a", Date.now() + 20_000);
    await pass(15_000);
    expect(ended).not.toHaveBeenCalled();
    await pass(6_000);
    expect(ended).toHaveBeenCalledOnce();
  });

  test("says nothing to whom no longer watches", async () => {
    live.set("a", null);
    const ended = vi.fn();
    const unwatch = vigil.watch(token("a"), ended);
    await pass(1_000);
    unwatch();
    live.delete("a");
    version += 1;
    await pass(5_000);
    expect(ended).not.toHaveBeenCalled();
  });

  test("when the store cannot be read, tells so and looks at everything once it can", async () => {
    live.set("a", null);
    const ended = vi.fn();
    vigil.watch(token("a"), ended);
    await pass(1_000);
    live.delete("a");
    version += 1;
    broken = true;
    await pass(1_000);
    expect(faults.length).toBeGreaterThan(0);
    expect(ended).not.toHaveBeenCalled();
    broken = false;
    await pass(1_000);
    expect(ended).toHaveBeenCalledOnce();
  });

  test("finds one of ten thousand within a second, without holding up anything else", async () => {
    vi.useRealTimers();
    const ended: number[] = [];
    for (let n = 0; n < 10_000; n++) {
      live.set(String(n), null);
      vigil.watch(token(String(n)), () => ended.push(n));
    }
    await vi.waitFor(() => expect(asked).toBe(10_000), 5_000);
    live.delete("777");
    version += 1;
    await vi.waitFor(() => expect(ended).toEqual([777]), 5_000);
  });
});
