import { CommandError, exits } from "../cli/exit.ts";
import type { Environment } from "../config/read-settings.ts";
import { readSecret } from "../config/secret-sources.ts";
import type { Settings } from "../config/settings.ts";
import type { KnownSecret } from "../redaction/known-secrets.ts";
import { type Engine, EngineFault } from "../stores/engine.ts";
import { openPostgres, type Postgres } from "../stores/postgres/database.ts";
import { openRedis, type Redis } from "../stores/redis/driver.ts";

/** What can be kept elsewhere, and by which engines. */
export const keepers = {
  identity: ["postgres"],
  sessions: ["postgres", "redis"],
  consent: ["postgres"],
  policy: ["postgres"],
  audit: ["postgres"],
  limits: ["redis"],
  flows: ["postgres", "redis"],
} as const satisfies Readonly<Record<string, readonly Kind[]>>;

export type SharedConcern = keyof typeof keepers;
type Kind = "postgres" | "redis";
export type OpenEngine = ({ readonly kind: "postgres" } & Postgres) | ({ readonly kind: "redis" } & Redis);

export interface Engines {
  /** Who keeps a concern; undefined for the data folder. */
  of(concern: SharedConcern): OpenEngine | undefined;
  /** The fleet's secret; undefined for a server by itself. */
  readonly key: string | undefined;
  readonly secrets: readonly KnownSecret[];
  /** Of each engine that is away, what it keeps. */
  faults(): readonly EngineFaults[];
  close(): Promise<void>;
}

export interface EngineFaults {
  readonly concerns: readonly SharedConcern[];
  /** Which engine and why: for the owner alone. */
  readonly why: string;
  /** What anybody may know. */
  readonly says: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  "postgres:": "postgres",
  "postgresql:": "postgres",
  "redis:": "redis",
  "rediss:": "redis",
};
const titles: Readonly<Record<Kind, string>> = { postgres: "PostgreSQL", redis: "Redis" };
const names = Object.keys(keepers) as readonly SharedConcern[];
const guide = "docs/operations.md tells which engine keeps what.";

const wrong = (message: string, next = guide): CommandError => new CommandError(exits.config, message, next);

/** Opens the engines that the settings name for the concerns that are wanted, each once. Throws `CommandError` for settings that cannot be used; an engine that is away is no such. */
export async function openEngines(
  { stores }: Pick<Settings, "stores">,
  env: Environment,
  wanted: readonly SharedConcern[] = names,
): Promise<Engines> {
  const secrets: KnownSecret[] = [];
  const fill = createFill(stores.secretsFile, env, secrets);
  const opened = new Map<string, OpenEngine>();
  const kept = new Map<SharedConcern, OpenEngine>();
  const shared = wanted.filter((concern) => urlOf(stores, concern) !== "");
  const needsKey = shared.some((concern) => concern === "identity" || concern === "limits");
  if (needsKey && stores.key === "")
    throw wrong(
      "stores.key is not set: the replicas of a fleet have one secret together.",
      'Make one with `openssl rand -base64 32`, and give it to every replica: stores.key: "${FLEET_KEY}" (docs/operations.md).',
    );
  const key = stores.key === "" ? undefined : fill(stores.key, "stores.key");
  if (key !== undefined && key.length < shortestKey)
    throw wrong(
      `stores.key has ${key.length} characters; at least ${shortestKey} are needed.`,
      "openssl rand -base64 32",
    );
  if (key !== undefined && !secrets.some(({ value }) => value === key)) secrets.push({ name: "fleet", value: key });
  try {
    for (const concern of shared) {
      const url = fill(urlOf(stores, concern), `stores.${concern}`);
      const engine = opened.get(url) ?? (await open(url, concern, secrets));
      if (!(keepers[concern] as readonly Kind[]).includes(engine.kind))
        throw wrong(`stores.${concern} cannot be kept by ${engine.kind}; it can by ${keepers[concern].join(" or ")}.`);
      opened.set(url, engine);
      kept.set(concern, engine);
    }
  } catch (error) {
    await closeAll(opened.values());
    if (error instanceof EngineFault) throw wrong(error.message, error.next);
    throw error;
  }
  return {
    of: (concern) => kept.get(concern),
    key,
    secrets,
    faults: () =>
      [...opened.values()].flatMap((engine) => {
        const why = engine.fault();
        if (why === undefined) return [];
        const concerns = shared.filter((concern) => kept.get(concern) === engine);
        return [{ why, concerns, says: `${titles[engine.kind]} is away; it keeps ${concerns.join(", ")}.` }];
      }),
    close: () => closeAll(opened.values()),
  };
}

const shortestKey = 32;

/** Sessions are with whoever keeps identity, unless said otherwise. */
const urlOf = (stores: Settings["stores"], concern: SharedConcern): string =>
  concern === "sessions" && stores.sessions === "" ? stores.identity : stores[concern];

async function open(text: string, concern: SharedConcern, secrets: KnownSecret[]): Promise<OpenEngine> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = kinds[url?.protocol ?? ""];
  if (!url || !kind || url.host === "")
    throw wrong(`stores.${concern} is no URL of an engine: it begins with postgres:// or redis://.`);
  const password = decodeURIComponent(url.password);
  if (password !== "") secrets.push({ name: url.hostname, value: password });
  const place = url.searchParams.get(kind === "postgres" ? "schema" : "namespace");
  url.searchParams.delete("schema");
  url.searchParams.delete("namespace");
  if (kind === "postgres")
    return { kind, ...(await openPostgres({ url: url.href, ...(place !== null && { schema: place }) })) };
  return { kind, ...(await openRedis({ url: url.href, ...(place !== null && { namespace: place }) })) };
}

/** Puts the values of `${NAME}` in their places: of the environment, or of the file of secrets. */
function createFill(file: string, env: Environment, secrets: KnownSecret[]) {
  return (text: string, place: string): string =>
    text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
      try {
        const value =
          file === "" || env[name]
            ? readSecret({ file: "", variable: name, name }, env)
            : readSecret({ file, variable: "", name }, env);
        secrets.push({ name, value });
        return place === "stores.key" ? value : encodeURIComponent(value);
      } catch (error) {
        throw wrong(
          `${place}: ${(error as Error).message}`,
          "Set it, or name the file that holds it in stores.secretsFile.",
        );
      }
    });
}

async function closeAll(engines: Iterable<Engine>): Promise<void> {
  await Promise.all([...engines].map((engine) => engine.close().catch(() => {})));
}
