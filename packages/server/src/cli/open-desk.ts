import { ulid } from "ulid";
import { policyFolder } from "../assemble.ts";
import { createDesk, type Desk } from "../consent/desk.ts";
import { createTrail, type Trail } from "../consent/trail.ts";
import { openStores } from "../open-stores.ts";
import { nextId } from "../pipeline/next-id.ts";
import { compilePatterns } from "../redaction/patterns.ts";
import { createRedactor } from "../redaction/redactor.ts";
import type { ConsentStore } from "../stores/consent-store.ts";
import { readHolder } from "../stores/data-folder.ts";
import type { Invocation } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { compileSet, openWorld, readSet } from "./policy-set.ts";
import { settingsOf } from "./settings-of.ts";
import { withDataFolder } from "./with-data-folder.ts";

export interface OpenDesk {
  readonly desk: Desk;
  readonly store: ConsentStore;
  readonly trail: Trail;
  /** Where the owner's page of a request is; undefined while no server runs on the data folder. */
  pageOf(id: string): string | undefined;
  close(): Promise<void>;
}

/** The owner's desk over a data folder, beside the server that may run on it: both see each other's changes at once. */
export async function openDesk(invocation: Invocation): Promise<OpenDesk> {
  const { data } = invocation;
  const settings = settingsOf({ ...invocation, positionals: [] });
  return withDataFolder(data, async () => {
    const boot = ulid();
    const stores = await openStores({
      ...{ data, settings, boot },
      env: invocation.env,
      policies: policyFolder(data, settings),
      checkpoint: () => {},
      fault: () => {},
    });
    const { state, audit } = stores;
    const [away] = stores.faults();
    if (away !== undefined) {
      await stores.close();
      throw new CommandError(exits.unavailable, away, "Start it, or look at `stores` in the configuration.");
    }
    const redactor = createRedactor({ patterns: compilePatterns(settings.redact.patterns), secrets: [] });
    const world = await openWorld(invocation);
    const trail = createTrail({
      ...{ audit, boot, now: Date.now, nextId },
      scrub: <T>(value: T) => redactor.scrub(value).value as T,
    });
    const desk = createDesk({
      store: state.consent,
      trail,
      policy: async () => compileSet(await readSet(world), world),
      places: () => world.options,
      onceMs: settings.consent.onceMs,
      now: Date.now,
      nextId,
    });
    return {
      desk,
      store: state.consent,
      trail,
      pageOf: (id) => {
        const url = readHolder(data)?.url;
        return url && `${url}/consent/${id}`;
      },
      async close() {
        desk.close();
        await stores.close();
      },
    };
  });
}
