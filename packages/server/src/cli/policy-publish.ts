import type { PublishedPolicy } from "../stores/published-policy.ts";
import type { PolicySource } from "../stores/store.ts";
import type { Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { settingsOf } from "./settings-of.ts";

/** The policies that the replicas share, as they are now; undefined where they are not shared. */
export const readPublished = (invocation: Invocation): Promise<readonly PolicySource[] | undefined> =>
  withPublished(invocation, (store) => store.read());

/** Puts a set that was found good in the place of the one that the replicas share: every one of them has it within a second. */
export async function publish(invocation: Invocation, sources: readonly PolicySource[]): Promise<Exit> {
  const { toPublished } = await import("../shared/open-shared.ts");
  const named = toPublished(sources);
  const twice = named.find(({ path }, at) => named.findIndex((other) => other.path === path) !== at);
  if (twice) throw new CommandError(exits.data, `Two of the policy files are named ${twice.path}.`);
  const version = await withPublished(invocation, (store) => store.publish(named));
  if (version === undefined)
    throw new CommandError(
      exits.config,
      "The policies of this data folder are not shared: its server reads them from its own folder.",
      "Set stores.policy (docs/operations.md).",
    );
  const files = named.map(({ path }) => path);
  print(
    invocation.output,
    { version, files },
    `Published ${files.length} files as version ${version}: ${files.join(", ")}`,
  );
  return exits.ok;
}

async function withPublished<T>(
  invocation: Invocation,
  work: (store: PublishedPolicy) => Promise<T>,
): Promise<T | undefined> {
  const { stores } = settingsOf({ ...invocation, positionals: [] });
  if (stores.policy === "") return undefined;
  const [{ openEngines }, { createPolicyStore }] = await Promise.all([
    import("../shared/engines.ts"),
    import("../stores/postgres/policy-store.ts"),
  ]);
  const engines = await openEngines({ stores }, invocation.env, ["policy"]);
  try {
    const engine = engines.of("policy");
    const fault = engine?.fault();
    if (engine?.kind !== "postgres" || fault !== undefined)
      throw new CommandError(exits.unavailable, fault ?? "stores.policy names no engine.", "Start it, and try again.");
    return await work(createPolicyStore(engine));
  } finally {
    await engines.close();
  }
}
