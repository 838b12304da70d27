import type { ConsentStore } from "../stores/consent-store.ts";
import { type AskOptions, createAsk } from "./ask.ts";
import { createDesk, type Desk, type DeskOptions } from "./desk.ts";
import { createLiveGrants, type LiveGrants } from "./live-grants.ts";
import { createSeal, type Seal } from "./seal.ts";

/** All of consent that the corridor works with. */
export interface Consent {
  readonly ask: ReturnType<typeof createAsk>;
  readonly grants: LiveGrants;
  readonly desk: Desk;
  readonly seal: Seal;
  /** Uses a grant of one call up; true for the one call that may go on. */
  use(id: string): Promise<boolean>;
  /** The owner's page of a request; undefined where nothing serves one. */
  readonly pageOf: (id: string) => string | undefined;
  close(): void;
}

export interface ConsentOptions extends Omit<AskOptions, "grants">, Omit<DeskOptions, "onceMs"> {
  readonly store: ConsentStore;
  readonly fault: (message: string, error: unknown) => void;
  /** What seals are closed with; of this process alone unless told. */
  readonly key?: Buffer | undefined;
}

export function createConsent(options: ConsentOptions): Consent {
  const { store, limits, now } = options;
  const grants = createLiveGrants(options);
  const desk = createDesk({ ...options, onceMs: limits.onceMs });
  grants.start();
  return {
    ask: createAsk({ ...options, grants }),
    grants,
    desk,
    seal: createSeal(options.key),
    pageOf: options.page,
    use: (id) => store.use(id, now()),
    close() {
      grants.stop();
      desk.close();
    },
  };
}
