import type { SharedConcern } from "../shared/engines.ts";
import { openState, type State } from "../stores/sqlite/open-state.ts";
import type { Invocation } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { mayShare } from "./may-share.ts";

export interface OpenKept extends Omit<State, "close" | typeof Symbol.dispose> {
  close(): Promise<void>;
}

/**
 * What a server of this data folder keeps of some concerns, wherever its settings say: what a command changes there counts on every replica. Of the
 * others it has what the data folder has.
 */
export async function openKept(
  invocation: Invocation,
  concerns: readonly SharedConcern[] = ["identity", "sessions"],
): Promise<OpenKept> {
  const { data, env } = invocation;
  const own = (): OpenKept => {
    const state = openState(data);
    return { ...state, close: async () => state.close() };
  };
  if (!mayShare(invocation)) return own();
  const [{ isFleet }, { settingsOf }] = await Promise.all([import("../open-stores.ts"), import("./settings-of.ts")]);
  const settings = settingsOf({ ...invocation, positionals: [] });
  if (!isFleet(settings)) return own();
  const [{ openEngines }, { openKept: open }] = await Promise.all([
    import("../shared/engines.ts"),
    import("../shared/open-kept.ts"),
  ]);
  const engines = await openEngines(settings, env, concerns);
  const [fault] = engines.faults();
  if (fault) {
    await engines.close();
    throw new CommandError(exits.unavailable, fault.why, "Start it, or look at `stores` in the configuration.");
  }
  const state = await open(data, engines);
  return {
    ...state,
    async close() {
      state.close();
      await engines.close();
    },
  };
}
