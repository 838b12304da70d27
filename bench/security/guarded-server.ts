import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "@portcullis/contracts";
import { assemble } from "../../packages/server/src/assemble.ts";
import { readSettings } from "../../packages/server/src/config/read-settings.ts";
import { createToken } from "../../packages/server/src/identity/tokens.ts";

/** The whole server in this process, without a transport: each call goes through the corridor, its policy and its audit. */
export interface GuardedServer {
  /** By default as the subject `bench`. */
  call(name: string, args: unknown, subject?: string): Promise<Outcome>;
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

/** `policies` are further policy documents by their subject. */
export async function startGuardedServer(
  base: string,
  folder: string,
  policies: Readonly<Record<string, string>> = {},
): Promise<GuardedServer> {
  const data = join(base, "data");
  mkdirSync(join(data, "policies"), { recursive: true });
  const all: Readonly<Record<string, string>> = { ...policies, bench: policy };
  for (const [subject, text] of Object.entries(all)) writeFileSync(join(data, "policies", `${subject}.yaml`), text);
  const assembly = await assemble({
    data,
    settings: readSettings(data, {}, unlimited),
    folders: [{ name: "root", path: folder }],
    home: base,
    url: () => "http://127.0.0.1",
    log: { info: () => {}, error: (facts: object, message: string) => console.error(message, facts) },
  });
  await assembly.start();
  const tokens = new Map<string, string>();
  for (const subject of Object.keys(all)) {
    const { token } = await createToken(assembly.parts.tokens, { name: subject, subject, expiresAt: null }, Date.now());
    tokens.set(subject, token);
  }
  return {
    call: (name, args, subject = "bench") =>
      assembly.corridor.handleCall({
        ...{ door: "websocket", credential: { kind: "token", token: tokens.get(subject) ?? "" }, name, args },
        trace: { purpose: "measure" },
      }),
    stop: () => assembly.stop(1_000),
  };
}
