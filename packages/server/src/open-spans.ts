import { CommandError, exits } from "./cli/exit.ts";
import type { Settings } from "./config/settings.ts";
import type { GuardedFetch } from "./network/guarded-fetch.ts";
import type { Spans } from "./pipeline/spans.ts";
import { openWayTo } from "./vectors/endpoint-fetch.ts";
import { version } from "./version.ts";

const limits = { totalMs: 10_000, bodyBytes: 64 * 1024 } as const;

/** The way to whoever follows traces; undefined, and nothing of it loaded, when no collector is configured. Throws `CommandError` for a URL that is none. */
export async function openSpans(
  { url, key, share }: Settings["traces"],
  { boot, fault }: { readonly boot: string; readonly fault: (message: string, error: unknown) => void },
): Promise<(Spans & { stop(): Promise<void> }) | undefined> {
  if (url === "") return undefined;
  const { createOtlpSpans } = await import("./traces/otlp-spans.ts");
  return createOtlpSpans({
    ...{ url, key, share, version, boot, fetch: wayTo(url) },
    fault: (error) => fault("Traces cannot be sent to their collector; some are lost.", error),
  });
}

function wayTo(url: string): GuardedFetch {
  try {
    return openWayTo(url, limits);
  } catch (error) {
    throw new CommandError(exits.config, `traces.url: ${(error as Error).message}`);
  }
}
