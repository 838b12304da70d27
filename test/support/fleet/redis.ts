import { createClient } from "@redis/client";
import { type EngineServer, findProgram, freePort, launch, makeServerFolder } from "./server.ts";

/** Why no Redis can be started here; undefined where one can. */
export const noRedis = (): string | undefined =>
  (findProgram("redis-server") ?? findProgram("valkey-server"))
    ? undefined
    : "there is no redis-server on this machine (apt-get install redis-server)";

/** Redis in a folder of its own. It keeps what it was told through a kill, unless `keeps` is false, and through a loss of power, unless `syncs` is. */
export async function startRedis({ keeps = true, syncs = true, port = 0 } = {}): Promise<EngineServer> {
  const program = findProgram("redis-server") ?? findProgram("valkey-server");
  if (program === undefined) throw new Error(noRedis());
  const at = port || (await freePort());
  const { folder, user } = makeServerFolder("redis");
  const persistence = keeps
    ? ["--appendonly", "yes", "--appendfsync", syncs ? "always" : "everysec"]
    : ["--appendonly", "no"];
  const args = [
    ...["--port", String(at), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
    ...["--enable-debug-command", "yes", "--maxmemory-policy", "noeviction", ...persistence],
  ];
  const url = `redis://127.0.0.1:${at}`;
  const ready = async (): Promise<void> => {
    const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 500 } });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.destroy();
    }
  };
  return launch({ program, args, folder, user, url, ready });
}
