import { hash } from "node:crypto";
import { createBreaker, createShared, type Engine, EngineFault } from "../engine.ts";
import { migrations } from "./migrations.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export interface Postgres extends Engine {
  /** The schema that holds all of ours, fit to stand before a table's name. */
  readonly schema: string;
  readonly query: Query;
  /** Runs `work` in one transaction, alone among those that name the same concern: all of it is kept, or nothing. */
  transact<T>(concern: Concern, work: (query: Query) => Promise<T>): Promise<T>;
  /** As `transact`; and whoever asks for the concern's version afterwards is told another one. */
  change<T>(concern: Concern, work: (query: Query) => Promise<T>): Promise<T>;
  /** How often a concern has changed. It may be as old as `maxAgeMs`, and is never older than the question without it. */
  version(concern: Concern, maxAgeMs?: number): Promise<number>;
}

/** What changes together. Each has a number, and a lock of its own. */
export type Concern = (typeof concerns)[number];
const concerns = ["identity", "sessions", "oauth", "consent", "policy", "flows", "marks", "migrations"] as const;

export interface PostgresOptions {
  /** `postgres://`, with what it takes to log in. */
  readonly url: string;
  readonly schema?: string;
  readonly load?: () => Promise<unknown>;
}

const driver: string = "pg";
const connectMs = 600;
const startMs = 3_000;
const connections = 10;
const statementMs = 2_000;
const int8 = 20;

/**
 * What was acknowledged survives a loss of power, whatever the database is set to. A replica that stops in the midst of a transaction holds up the
 * others for two seconds at most.
 */
const sessionSettings = `
  SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
    set_config('statement_timeout', '${statementMs}', false), set_config('lock_timeout', '500', false),
    set_config('idle_in_transaction_session_timeout', '${statementMs}', false)`;

/** Errors that tell of a server that is not there for us: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const unserving = /^(08|57P0|53|25006|58)/;
/** It is there, and others hold what this question needs. */
const busy = new Set(["55P03", "57014", "40P01", "40001"]);

/**
 * Opens PostgreSQL and brings the schema up to date as soon as it answers; while it does not, it is away, and comes back by itself. Throws
 * `EngineFault` when its driver is not there.
 */
export async function openPostgres({ url, schema = "portcullis", load }: PostgresOptions): Promise<Postgres> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new EngineFault(`${schema} is no name of a schema.`, "Use a-z, 0-9 and _.");
  const { Pool, types } = await loadDriver(load ?? (() => import(driver)));
  const { host, pathname } = new URL(url);
  const name = `PostgreSQL at ${host}${pathname}`;
  const pool: Pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: connectMs,
    // Behind our own deadline, which tells the caller: it ends a connection that nobody answers on.
    query_timeout: statementMs + 500,
    keepAlive: true,
    application_name: "portcullis",
    // Whole numbers of eight bytes are times and counts of ours, which are far below 2^53.
    types: {
      getTypeParser: (oid: number, format?: string) => (oid === int8 ? Number : types.getTypeParser(oid, format)),
    },
  });
  // A connection that ends while nobody uses it: the next probe finds out whether that means anything.
  pool.on("error", () => {});
  // The pool listens while nobody uses a connection; one that ends between two questions of a transaction would end this process.
  pool.on("connect", (client) => client.on("error", () => {}));

  const prepared = new WeakSet<PoolClient>();
  const onClient = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    const client: PoolClient = await pool.connect().catch(asGone);
    const query: Query = async (text, values) =>
      (await client.query(values === undefined ? text : { name: nameOf(text), text, values }).catch(asGone)).rows;
    let failed: unknown;
    try {
      if (!prepared.has(client)) {
        await query(sessionSettings);
        prepared.add(client);
      }
      return await work(query);
    } catch (error) {
      failed = error;
      throw error;
    } finally {
      // A connection on which something failed may hold half a transaction.
      client.release(failed !== undefined);
    }
  };
  const alone = <T>(concern: Concern, work: (query: Query) => Promise<T>): Promise<T> =>
    onClient(async (query) => {
      await query("BEGIN");
      await query("SELECT pg_advisory_xact_lock(hashtext($1))", [`${schema}.${concern}`]);
      const result = await work(query);
      await query("COMMIT");
      return result;
    });

  let ready = false;
  const breaker = createBreaker({
    name,
    probe: () => onClient((query) => query("SELECT 1")),
    async returning() {
      versions.clear();
      if (!ready) await alone("migrations", (query) => migrate(query, schema));
      ready = true;
    },
    isAway: (error) => error instanceof Gone || unserving.test(codeOf(error)),
    isBusy: (error) => busy.has(codeOf(error)),
  });

  const versions = new Map<string, number>();
  let askedAt = Number.NEGATIVE_INFINITY;
  const readVersions = createShared(async () => {
    const at = performance.now();
    const rows = await breaker.ask(() => onClient((query) => query(`SELECT concern, version FROM ${schema}.versions`)));
    for (const { concern, version } of rows) versions.set(String(concern), Number(version));
    askedAt = at;
  });

  await breaker.start(startMs);
  return {
    name,
    schema,
    fault: breaker.fault,
    query: (text, values) => breaker.ask(() => onClient((query) => query(text, values))),
    transact: (concern, work) => breaker.ask(() => alone(concern, work)),
    change: (concern, work) =>
      breaker.ask(async () => {
        const result = await alone(concern, async (query) => {
          const done = await work(query);
          await query(`UPDATE ${schema}.versions SET version = version + 1 WHERE concern = $1`, [concern]);
          return done;
        });
        // What this process has changed it must not overlook itself.
        askedAt = Number.NEGATIVE_INFINITY;
        return result;
      }),
    async version(concern, maxAgeMs = 0) {
      const fault = breaker.fault();
      if (fault !== undefined || maxAgeMs === 0 || performance.now() - askedAt > maxAgeMs) await readVersions();
      return versions.get(concern) ?? 0;
    },
    async close() {
      breaker.stop();
      await Promise.race([pool.end(), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    },
  };
}

/** The connection failed, and not what was asked. */
class Gone extends Error {}

/** What PostgreSQL itself says has a severity; anything else came from the way there. */
function asGone(error: unknown): never {
  if ((error as { readonly severity?: unknown }).severity !== undefined) throw error;
  throw new Gone((error as Error).message, { cause: error });
}

const questions = new Map<string, string>();

function nameOf(text: string): string {
  const known = questions.get(text);
  if (known !== undefined) return known;
  const name = hash("sha256", text, "base64url").slice(0, 32);
  questions.set(text, name);
  return name;
}

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code ?? "");

/** Brings the schema up to date. The versions table counts the steps that it has been through; each is done whole or not at all. */
async function migrate(query: Query, schema: string): Promise<void> {
  await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  await query(`CREATE TABLE IF NOT EXISTS ${schema}.versions (concern text PRIMARY KEY, version bigint NOT NULL)`);
  await query(
    `INSERT INTO ${schema}.versions SELECT concern, 0 FROM unnest($1::text[]) concern ON CONFLICT DO NOTHING`,
    [concerns],
  );
  const [row] = await query(`SELECT version FROM ${schema}.versions WHERE concern = 'migrations'`);
  const done = Number(row?.version ?? 0);
  if (done > migrations.length)
    throw new Error(
      `its schema ${schema} was written by a newer version (${done} steps, ${migrations.length} are known here): install that.`,
    );
  for (const step of migrations.slice(done)) await query(step.replaceAll("$schema", schema));
  await query(`UPDATE ${schema}.versions SET version = $1 WHERE concern = 'migrations'`, [migrations.length]);
}

/** The part of the `pg` package that is used; it is an optional peer, installed by who configures this engine. */
interface PoolClient {
  /** A question with a name is parsed once on each connection. */
  query(
    question: string | { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
  ): Promise<{ readonly rows: readonly Row[] }>;
  on(event: "error", heard: (error: Error) => void): unknown;
  /** True ends the connection. */
  release(end: boolean): void;
}

interface Pool {
  connect(): Promise<PoolClient>;
  on(event: "error", heard: (error: Error) => void): unknown;
  on(event: "connect", heard: (client: PoolClient) => void): unknown;
  end(): Promise<void>;
}

interface Driver {
  readonly Pool: new (options: object) => Pool;
  readonly types: { getTypeParser(oid: number, format?: string): unknown };
}

async function loadDriver(load: () => Promise<unknown>): Promise<Driver> {
  try {
    return (await load()) as Driver;
  } catch (cause) {
    throw new EngineFault("PostgreSQL is configured but its driver is not installed.", "npm install pg@8.23.1", cause);
  }
}
