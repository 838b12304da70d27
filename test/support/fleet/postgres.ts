import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { type EngineServer, findProgram, freePort, launch, makeServerFolder } from "./server.ts";

/** Why no PostgreSQL can be started here; undefined where one can. */
export const noPostgres = (): string | undefined =>
  findProgram("initdb") && findProgram("postgres")
    ? undefined
    : "there is no initdb and postgres on this machine (apt-get install postgresql)";

/** PostgreSQL in a folder of its own, run by another user than root. */
export async function startPostgres({ syncs = false, port = 0 } = {}): Promise<EngineServer> {
  const [initdb, program] = [findProgram("initdb"), findProgram("postgres")];
  if (initdb === undefined || program === undefined) throw new Error(noPostgres());
  const at = port || (await freePort());
  const { folder, user } = makeServerFolder("postgres");
  const data = join(folder, "data");
  const options = ["-D", data, "-A", "trust", "-U", "portcullis", "-E", "UTF8", "--locale=C", "--no-sync"];
  await promisify(execFile)(initdb, options, { ...user, cwd: folder });
  const args = [
    ...["-D", data, "-p", String(at), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    ...["-c", `fsync=${syncs ? "on" : "off"}`, "-c", "shared_buffers=32MB", "-c", "max_connections=100"],
  ];
  const url = `postgres://portcullis@127.0.0.1:${at}/postgres`;
  const ready = async (): Promise<void> => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 500 });
    client.on("error", () => {});
    await client.connect();
    await client.end();
  };
  return launch({ program, args, folder, user, url, ready });
}
