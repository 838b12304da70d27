import { describeTools } from "../assemble.ts";
import { describeApis } from "../create-apis.ts";
import { describeUpstreams } from "../create-upstreams.ts";
import type { Registry } from "../pipeline/registry.ts";
import type { Invocation } from "./command.ts";
import { homeOf, settingsOf } from "./settings-of.ts";

/** The tools that there are for a data folder: those that ship, and what is accepted of other servers. */
export async function knownTools(invocation: Invocation): Promise<Registry> {
  const { sources } = settingsOf({ ...invocation, positionals: [] });
  const upstreams = describeUpstreams(invocation.data, homeOf(invocation), sources);
  return describeTools([...upstreams, ...(await describeApis(sources, homeOf(invocation)))]);
}
