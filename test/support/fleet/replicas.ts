import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runPortcullis, startServer, stopServer, type World } from "../world.ts";

export interface FleetOptions {
  readonly replicas?: number;
  /** The lines of `stores`, beside key and replicas. */
  readonly stores: Readonly<Record<string, string | number>>;
  /** What else stands in portcullis.yaml. */
  readonly settings?: string;
  /** The set that the first replica publishes, beside the default policy. */
  readonly policy: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** One server process with a data folder of its own. */
export type Replica = Pick<World, "folder" | "data" | "listening" | "server" | "log" | "run"> & {
  /** Starts it again, with what its data folder has. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  health(): Promise<Health>;
};

export interface Health {
  readonly ready: boolean;
  readonly faults: readonly string[];
  readonly warnings?: readonly string[];
}

export interface Fleet {
  readonly folder: string;
  readonly replicas: readonly Replica[];
  readonly ownerToken: string;
  token(subject: string): Promise<{ readonly name: string; readonly token: string }>;
  close(): Promise<void>;
}

const cache = join(import.meta.dirname, "..", "..", "..", "node_modules", ".cache", "portcullis");

/** Real server processes over one served folder, whose settings say that engines keep what they share. */
export async function openFleet({
  replicas = 3,
  stores,
  settings = "",
  policy,
  env: more,
}: FleetOptions): Promise<Fleet> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-fleet-")));
  const folder = join(base, "notes");
  mkdirSync(folder);
  writeFileSync(join(folder, "todo.md"), "# To do\n\nWater the plants.\n");
  const env = {
    ...{ PATH: process.env.PATH, HOME: base, NODE_COMPILE_CACHE: cache },
    ...{ FLEET_KEY: "a secret of thirty-two characters, at least", ...more },
  };
  const lines = Object.entries({ key: "${FLEET_KEY}", replicas, ...stores }).map(
    ([name, value]) => `  ${name}: ${JSON.stringify(value)}`,
  );
  const opened: Replica[] = [];
  let ownerToken = "";
  for (let at = 0; at < replicas; at++) {
    const data = join(base, `data${at}`);
    mkdirSync(join(data, "policies"), { recursive: true, mode: 0o700 });
    writeFileSync(join(data, "policies", "owner.yaml"), policy);
    writeFileSync(join(data, "portcullis.yaml"), `${settings}\nstores:\n${lines.join("\n")}\n`);
    const replica = await openReplica(folder, data, env);
    ownerToken ||= replica.listening.ownerToken ?? "";
    opened.push(replica);
  }
  let tokens = 0;
  return {
    folder,
    replicas: opened,
    ownerToken,
    async token(subject) {
      const name = `t${++tokens}`;
      const made = await opened[0]?.run("token", "create", name, "--subject", subject, "--json");
      if (made?.status !== 0) throw new Error(made?.stderr);
      return { name, token: (JSON.parse(made.stdout) as { token: string }).token };
    },
    async close() {
      await Promise.all(opened.map((replica) => replica.stop("SIGTERM")));
      rmSync(base, { recursive: true, force: true });
    },
  };
}

async function openReplica(
  folder: string,
  data: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Replica> {
  let started = await startServer([folder, "--data", data], env);
  const replica: Replica = {
    folder,
    data,
    listening: started.listening,
    server: started.server,
    log: () => started.log(),
    run: (...args) => runPortcullis(args.includes("--data") ? args : [...args, "--data", data], env),
    async restart(signal = "SIGTERM") {
      await stopServer(started.server, signal);
      const { port } = new URL(replica.listening.http);
      started = await startServer([folder, "--data", data, "--port", port], env);
      Object.assign(replica, { server: started.server });
    },
    stop: (signal = "SIGTERM") => stopServer(started.server, signal),
    async health() {
      const answer = await fetch(`${replica.listening.http}/v1/health`);
      return (await answer.json()) as Health;
    },
  };
  return replica;
}
