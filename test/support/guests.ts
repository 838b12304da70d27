import { enter, type Guest } from "./doors.ts";
import type { DoorName } from "./requirement.ts";
import type { World } from "./world.ts";

/** Runs a body as a subject who has come in through a door, and shows them out whatever happens. */
export async function asGuest(
  world: World,
  at: { readonly door: DoorName; readonly subject: string },
  body: (guest: Guest) => Promise<void>,
): Promise<void> {
  const guest = await enter(at.door, world, { token: await world.token(at.subject), subject: at.subject });
  try {
    await body(guest);
  } finally {
    await guest.close();
  }
}

/** Tries until the body passes, or its last failure when the time (ms) is over. */
export async function eventually(withinMs: number, body: () => Promise<void> | void): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await body();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
