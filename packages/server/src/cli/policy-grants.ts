import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Grant } from "../policy/grants.ts";
import { openState } from "../stores/sqlite/open-state.ts";
import { type Invocation, text } from "./command.ts";
import { withDataFolder } from "./with-data-folder.ts";

export interface HeldGrants {
  /** What the owner allowed beside the policy. */
  readonly grants: readonly Grant[];
  /** The client that `--client` names, by its token's name or id. */
  readonly client: string | undefined;
}

/** The grants that hold in a data folder; none where nothing has been kept yet. */
export async function readGrants({ data, values }: Invocation): Promise<HeldGrants> {
  const named = text(values, "client");
  if (!existsSync(join(data, "state.db"))) return { grants: [], client: named };
  return withDataFolder(data, async () => {
    const state = openState(data);
    try {
      const held = await state.consent.grants(Date.now());
      const token = (await state.tokens.list()).findLast(({ name }) => name === named);
      return { grants: held.filter(({ effect }) => effect === "allow"), client: token?.id ?? named };
    } finally {
      state.close();
    }
  });
}
