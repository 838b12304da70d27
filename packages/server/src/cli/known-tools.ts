import { describeTools } from "../assemble.ts";
import { describeUpstreams } from "../create-upstreams.ts";
import type { Registry } from "../pipeline/registry.ts";
import type { Invocation } from "./command.ts";
import { homeOf, settingsOf } from "./open-server.ts";

/** The tools that there are for a data folder: those that ship, and what is accepted of other servers. */
export function knownTools(invocation: Invocation): Registry {
  const { sources } = settingsOf({ ...invocation, positionals: [] });
  return describeTools(describeUpstreams(invocation.data, homeOf(invocation), sources));
}
