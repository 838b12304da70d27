import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "@portcullis/contracts";
import { assemble } from "../../packages/server/src/assemble.ts";
import { readSettings } from "../../packages/server/src/config/read-settings.ts";
import { createToken } from "../../packages/server/src/identity/tokens.ts";

/** The whole server in this process, without a transport: each call goes through the corridor, its policy and its audit. */
export interface GuardedServer {
  call(name: string, args: unknown): Promise<Outcome>;
  stop(): Promise<void>;
}

const policy = `subject: bench
scopes:
  - { tool: "fs.*", allow: ["@served/**"] }
  - { tool: fs.writeFile, allow: ["@served/**"] }
`;

const unlimited = {
  PORTCULLIS_LIMITS_TURN_CALLS: "100000000",
  PORTCULLIS_LIMITS_TURN_CEILING: "100000000",
  PORTCULLIS_FILES_VERSIONS_PER_FILE: "2",
};

export async function startGuardedServer(base: string, folder: string): Promise<GuardedServer> {
  const data = join(base, "data");
  mkdirSync(join(data, "policies"), { recursive: true });
  writeFileSync(join(data, "policies", "bench.yaml"), policy);
  const assembly = await assemble({
    data,
    settings: readSettings(data, {}, unlimited),
    folders: [{ name: "root", path: folder }],
    home: base,
    url: () => "http://127.0.0.1",
    log: { info: () => {}, error: (facts: object, message: string) => console.error(message, facts) },
  });
  await assembly.start();
  const { token } = await createToken(
    assembly.parts.tokens,
    { name: "bench", subject: "bench", expiresAt: null },
    Date.now(),
  );
  return {
    call: (name, args) =>
      assembly.corridor.handleCall({
        ...{ door: "websocket", credential: { kind: "token", token }, name, args },
        trace: { purpose: "measure" },
      }),
    stop: () => assembly.stop(1_000),
  };
}
