import { test } from "vitest";
import type { DoorName, Requirement } from "./requirement.ts";
import { type RequirementId, requirements } from "./requirements.ts";

/** How a proof's name begins: the reporter reads it back. */
export const titleOf = (id: RequirementId, door: DoorName | "once"): string => `[${id}] ${door}`;

/** Proves a promise on each door that it applies to: one test a door. */
export function verifies(id: RequirementId, body: (door: DoorName) => Promise<void>): void {
  const { on, says }: Requirement = requirements[id];
  if (on === "once") throw new Error(`${id} is not proved by door; use verifiesOnce.`);
  for (const door of on) test(`${titleOf(id, door)}: ${says}`, () => body(door));
}

/** Proves a promise that has nothing to do with a door. */
export function verifiesOnce(id: RequirementId, body: () => Promise<void> | void): void {
  const { on, says }: Requirement = requirements[id];
  if (on !== "once") throw new Error(`${id} is proved by door; use verifies.`);
  test(`${titleOf(id, "once")}: ${says}`, async () => body());
}
