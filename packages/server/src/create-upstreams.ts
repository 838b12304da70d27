import type { Adapter } from "./adapters/adapter.ts";
import { createMcpAdapter } from "./adapters/mcp/mcp-adapter.ts";
import type { Environment } from "./config/read-settings.ts";
import type { ReadSource } from "./config/read-sources.ts";
import type { Settings } from "./config/settings.ts";
import { pinPath } from "./upstream/pins.ts";

export interface Upstreams {
  readonly data: string;
  readonly home: string;
  readonly sources: readonly ReadSource[];
  readonly env: Environment;
  /** For the owner's log, scrubbed by whoever takes it. */
  tell(message: string, level?: "info"): void;
}

const longestMessage = 2_500;
/** Messages of one source that are kept in a minute: a chatty server must not fill the disk. */
const mostMessages = 60;
const minute = 60_000;

/** The owner's other servers. A new kind of them is one branch here. */
export const createUpstreams = ({ data, home, sources, env, tell }: Upstreams): readonly Adapter[] =>
  sources.flatMap((source): readonly Adapter[] => {
    const { name, tools, concurrent = 8, callMs = 50_000, firstSight = "accept" } = source;
    const common = {
      ...{ name, concurrent, callMs, home },
      ...(tools && { marks: tools }),
      trustFirst: firstSight === "accept",
      pins: pinPath(data, name),
      tell: bounded(tell),
    };
    if (source.kind === "openapi") return [];
    const { command, cwd, url = "", headers, args, env: own } = source;
    const target =
      command === undefined ? { url, headers } : { command, args, env: own, ...(cwd !== undefined && { cwd }) };
    return [createMcpAdapter({ ...common, target, base: baseOf(env) })];
  });

/** What a child has of our environment. */
const baseOf = ({ PATH, HOME }: Environment): Readonly<Record<string, string>> => ({
  ...(PATH !== undefined && { PATH }),
  ...(HOME !== undefined && { HOME }),
});

function bounded(tell: Upstreams["tell"]): Upstreams["tell"] {
  let since = Number.NEGATIVE_INFINITY;
  let told = 0;
  return (message, level) => {
    const now = performance.now();
    if (now - since > minute) [since, told] = [now, 0];
    if (++told > mostMessages) return;
    tell(told === mostMessages ? "It says more than is kept for a minute." : message.slice(0, longestMessage), level);
  };
}

/** The sources with the tools that are accepted of them, and nothing behind them: for commands that only speak of tools. */
export const describeUpstreams = (data: string, home: string, sources: Settings["sources"]): readonly Adapter[] =>
  createUpstreams({
    ...{ data, home, env: {}, tell: () => {} },
    sources: sources.map((source): ReadSource => ({ ...source, headers: {}, env: {}, query: {}, args: [] })),
  });
