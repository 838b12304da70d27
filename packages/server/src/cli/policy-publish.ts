import type { PublishedPolicy } from "../stores/published-policy.ts";
import type { PolicySource } from "../stores/store.ts";
import type { Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { withShared } from "./with-shared.ts";

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
  return withShared(invocation, { concern: "policy", away: exits.unavailable }, async (engine) => {
    const { createPolicyStore } = await import("../stores/postgres/policy-store.ts");
    return work(createPolicyStore(engine));
  });
}
