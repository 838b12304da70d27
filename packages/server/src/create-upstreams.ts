import type { Adapter } from "./adapters/adapter.ts";
import type { Environment } from "./config/read-settings.ts";
import type { ReadSource } from "./config/read-sources.ts";
import type { Settings } from "./config/settings.ts";
import type { KnownSecret } from "./redaction/known-secrets.ts";
import { loginPath } from "./upstream/oauth/login-file.ts";
import { pinPath, promptPinPath } from "./upstream/pins.ts";

export interface Upstreams {
  readonly data: string;
  readonly home: string;
  readonly sources: readonly ReadSource[];
  readonly env: Environment;
  /** For the owner's log, scrubbed by whoever takes it. */
  tell(message: string, level?: "info"): void;
  /** Has these masked from now on. */
  know(secrets: readonly KnownSecret[]): void;
}

const longestMessage = 2_500;
/** Messages of one source that are kept in a minute: a chatty server must not fill the disk. */
const mostMessages = 60;
const minute = 60_000;

/** The owner's other MCP servers. What speaks with them is loaded when there are any. */
export async function createUpstreams({
  data,
  home,
  sources,
  env,
  tell,
  know,
}: Upstreams): Promise<readonly Adapter[]> {
  const wanted = sources.filter((source) => source.kind === "mcp");
  if (wanted.length === 0) return [];
  const { createMcpAdapter } = await import("./adapters/mcp/mcp-adapter.ts");
  const { createUpstreamLogin } = await import("./upstream/oauth/upstream-login.ts");
  return wanted.map((source) => {
    const { name, tools, concurrent = 8, callMs = 50_000, firstSight = "accept" } = source;
    const common = {
      ...{ name, concurrent, callMs, home },
      ...(tools && { marks: tools }),
      trustFirst: firstSight === "accept",
      pins: { tools: pinPath(data, name), prompts: promptPinPath(data, name) },
      tell: bounded(tell),
    };
    const { command, cwd, url = "", headers, args, env: own } = source;
    const login =
      source.auth === "oauth"
        ? createUpstreamLogin({ name, url, oauth: source.oauth ?? {}, file: loginPath(data, name), know })
        : undefined;
    const target =
      command === undefined
        ? { url, headers, ...(login && { login }) }
        : { command, args, env: own, ...(cwd !== undefined && { cwd }) };
    return createMcpAdapter({ ...common, target, base: baseOf(env) });
  });
}

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
export const describeUpstreams = (
  data: string,
  home: string,
  sources: Settings["sources"],
): Promise<readonly Adapter[]> =>
  createUpstreams({
    ...{ data, home, env: {}, tell: () => {}, know: () => {} },
    sources: sources.map((source): ReadSource => toDescribed(source)),
  });

function toDescribed(source: Settings["sources"][number]): ReadSource {
  const nothing = { headers: {}, env: {}, query: {}, args: [] };
  if (source.kind === "openapi") return { ...source, ...nothing };
  const { oauth: _, ...rest } = source;
  return { ...rest, ...nothing };
}
