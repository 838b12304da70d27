import { describeTools } from "../assemble.ts";
import { describeApis } from "../create-apis.ts";
import { describeUpstreams } from "../create-upstreams.ts";
import { loadAdapterModules } from "../load-adapter-modules.ts";
import type { Registry } from "../pipeline/registry.ts";
import type { Invocation } from "./command.ts";
import { homeOf, settingsOf } from "./settings-of.ts";

/** The tools that there are for a data folder: those that ship, and what is accepted of other servers. */
export async function knownTools(invocation: Invocation): Promise<Registry> {
  const { sources, adapters } = settingsOf({ ...invocation, positionals: [] });
  const home = homeOf(invocation);
  const upstreams = await describeUpstreams(invocation.data, home, sources);
  // A server does not start with a module that is at fault; commands that speak of the other tools do.
  const modules = await loadAdapterModules(adapters, { home, taken: [] }).catch(() => []);
  return describeTools([...upstreams, ...(await describeApis(sources, home)), ...modules]);
}
