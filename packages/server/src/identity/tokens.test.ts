import { expect, test } from "vitest";
import type { TokenRecord } from "../stores/store.ts";
import { isLive } from "./tokens.ts";

const record: TokenRecord = {
  ...{ id: "T", name: "t", subject: "duck", hash: "h", owner: false },
  ...{ createdAt: 0, expiresAt: null, revokedAt: null },
};

test("a token without an end is live", () => {
  expect(isLive(record, 1_000)).toBe(true);
});

test("a token is none from the moment that it ends", () => {
  expect(isLive({ ...record, expiresAt: 1_001 }, 1_000)).toBe(true);
  expect(isLive({ ...record, expiresAt: 1_000 }, 1_000)).toBe(false);
});

test("a revoked token is none, whenever it would have ended", () => {
  expect(isLive({ ...record, revokedAt: 900 }, 1_000)).toBe(false);
  expect(isLive({ ...record, revokedAt: 900, expiresAt: 2_000 }, 1_000)).toBe(false);
});
