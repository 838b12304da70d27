import { existsSync } from "node:fs";
import { join } from "node:path";
import { isFleet } from "../open-stores.ts";
import type { Grant } from "../policy/grants.ts";
import { type Invocation, text } from "./command.ts";
import { openKept } from "./open-kept.ts";
import { settingsOf } from "./settings-of.ts";
import { withDataFolder } from "./with-data-folder.ts";

export interface HeldGrants {
  /** What the owner allowed beside the policy. */
  readonly grants: readonly Grant[];
  /** The client that `--client` names, by its token's name or id. */
  readonly client: string | undefined;
}

/** The grants that hold in a data folder; none where nothing has been kept yet. */
export async function readGrants(invocation: Invocation): Promise<HeldGrants> {
  const { data, values } = invocation;
  const named = text(values, "client");
  const isEmpty = !isFleet(settingsOf({ ...invocation, positionals: [] })) && !existsSync(join(data, "state.db"));
  if (isEmpty) return { grants: [], client: named };
  return withDataFolder(data, async () => {
    const state = await openKept(invocation, ["consent", "identity"]);
    try {
      const held = await state.consent.grants(Date.now());
      const token = (await state.tokens.list()).findLast(({ name }) => name === named);
      return { grants: held.filter(({ effect }) => effect === "allow"), client: token?.id ?? named };
    } finally {
      await state.close();
    }
  });
}
