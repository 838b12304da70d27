import type { Postgres } from "../stores/postgres/database.ts";
import type { Invocation } from "./command.ts";
import { CommandError, type Exit } from "./exit.ts";
import { mayShare } from "./may-share.ts";

/**
 * Works with the engine that keeps a concern for all replicas, for as long as that takes. Undefined where the settings share it with nobody; throws a
 * `CommandError` while the engine cannot be reached.
 */
export async function withShared<T>(
  invocation: Invocation,
  { concern, away }: { readonly concern: "audit" | "policy"; readonly away: Exit },
  work: (engine: Postgres) => Promise<T>,
): Promise<T | undefined> {
  if (!mayShare(invocation)) return undefined;
  const { settingsOf } = await import("./settings-of.ts");
  const { stores } = settingsOf({ ...invocation, positionals: [] });
  if (stores[concern] === "") return undefined;
  const { openEngines } = await import("../shared/engines.ts");
  const engines = await openEngines({ stores }, invocation.env, [concern]);
  try {
    const engine = engines.of(concern);
    const fault = engine?.fault();
    if (engine?.kind !== "postgres" || fault !== undefined)
      throw new CommandError(
        away,
        `What the replicas share (stores.${concern}) cannot be reached: ${fault ?? "it names no engine that keeps it."}`,
        "Start it, and try again.",
      );
    return await work(engine);
  } finally {
    await engines.close();
  }
}
