import { createConsentStore } from "../stores/postgres/consent-store.ts";
import { createFlowStore as createPostgresFlows } from "../stores/postgres/flow-store.ts";
import { createOAuthStore } from "../stores/postgres/oauth-store.ts";
import { createSessionStore as createPostgresSessions } from "../stores/postgres/session-store.ts";
import { createTokenStore } from "../stores/postgres/token-store.ts";
import { createFlowStore as createRedisFlows } from "../stores/redis/flow-store.ts";
import { createSessionStore as createRedisSessions } from "../stores/redis/session-store.ts";
import { openState, type State } from "../stores/sqlite/open-state.ts";
import type { Engines, OpenEngine } from "./engines.ts";

/** What a data folder keeps, of which the engines have in its place what the settings say. It does not own the engines. */
export async function openKept(data: string, engines: Engines): Promise<State> {
  const own = openState(data);
  const identity = engines.of("identity");
  const sessions = engines.of("sessions");
  const consent = engines.of("consent");
  const flows = engines.of("flows");
  return {
    ...own,
    ...(identity?.kind === "postgres" && { tokens: createTokenStore(identity), oauth: createOAuthStore(identity) }),
    ...(sessions && { sessions: sessionsOf(sessions) }),
    ...(consent?.kind === "postgres" && { consent: createConsentStore(consent) }),
    ...(flows && { flows: await flowsOf(flows) }),
  };
}

const sessionsOf = (engine: OpenEngine) =>
  engine.kind === "postgres" ? createPostgresSessions(engine) : createRedisSessions(engine);

const flowsOf = async (engine: OpenEngine) =>
  engine.kind === "postgres" ? createPostgresFlows(engine) : createRedisFlows(engine);
