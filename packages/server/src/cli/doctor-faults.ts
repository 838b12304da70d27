import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyFolder } from "../assemble.ts";
import { defaultPolicy, schemaFile } from "../policy/default-policy.ts";
import { policySchemaText } from "../policy/schema.ts";
import { ensureDataFolder, isAlive, readHolder } from "../stores/data-folder.ts";
import type { Invocation } from "./command.ts";
import { settingsOf } from "./settings-of.ts";

/** Something that can be mended without a choice of the owner's. */
export interface Fault {
  readonly what: string;
  readonly bad: boolean;
  readonly says: string;
  /** What was done about it, in words. */
  mend(): string;
}

/** What holds secrets, or what would tell them. */
const secret = /^(state|audit)\.db(-wal|-shm)?$|^(audit\.keys|oauth-keys\.json)$/;
const others = 0o077;
const passable = 0o011;

/** The faults of a data folder and its policies, the ones first that stand in the others' way. */
export function findFaults(invocation: Invocation): readonly Fault[] {
  const { data } = invocation;
  if (!existsSync(data))
    return [
      {
        ...{ what: "data folder", bad: true, says: `There is no ${data} yet.` },
        mend() {
          ensureDataFolder(data);
          return `made ${data}`;
        },
      },
    ];
  return [...openToOthers(data), ...deadServer(data), ...noPolicy(invocation)];
}

/** Mends what can be mended, until nothing is left of it; says what was done. */
export function mend(invocation: Invocation): readonly string[] {
  const done: string[] = [];
  // What is made first may show what else is missing.
  for (let round = 0; round < 2; round++) for (const fault of findFaults(invocation)) done.push(fault.mend());
  return done;
}

function openToOthers(data: string): readonly Fault[] {
  if (process.platform === "win32") return [];
  // Where nobody else may go in, the rights of what is in it do not matter.
  if ((statSync(data).mode & passable) === 0) return [];
  const own = process.getuid?.();
  const folders = ["clients", "secrets"].filter((name) => existsSync(join(data, name)));
  const inside = folders.flatMap((name) => readdirSync(join(data, name)).map((file) => join(data, name, file)));
  const files = readdirSync(data).filter((name) => secret.test(name));
  return [...files.map((name) => join(data, name)), ...inside].flatMap((path) => {
    const { mode, uid } = statSync(path);
    if ((mode & others) === 0 || uid !== own) return [];
    return {
      ...{ what: "rights", bad: true, says: `Other users may read ${path}, which holds or tells secrets.` },
      mend() {
        chmodSync(path, mode & 0o700);
        return `closed ${path} to other users`;
      },
    };
  });
}

/** A server that was killed leaves word of where it listened. */
function deadServer(data: string): readonly Fault[] {
  const holder = readHolder(data);
  if (!holder || isAlive(holder)) return [];
  return [
    {
      ...{
        what: "server",
        bad: false,
        says: `The last server (pid ${holder.pid}) did not stop in order; its note is still there.`,
      },
      mend() {
        rmSync(join(data, "server.json"), { force: true });
        return "took away the note of a server that is gone";
      },
    },
  ];
}

/** No policy denies everything: that is safe, and hardly what is wanted when none was ever written. An emptied folder stays empty. */
function noPolicy(invocation: Invocation): readonly Fault[] {
  const settings = settingsOf({ ...invocation, positionals: [] });
  const folder = policyFolder(invocation.data, settings);
  if (settings.stores.policy !== "" || existsSync(folder)) return [];
  return [
    {
      ...{ what: "policies", bad: false, says: `There is no ${folder}, so everything is denied.` },
      mend() {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(join(folder, "owner.yaml"), defaultPolicy(), { mode: 0o600, flag: "wx" });
        writeFileSync(join(folder, schemaFile), policySchemaText(), { mode: 0o600, flag: "wx" });
        return `wrote the first policy into ${folder}: the owner may search and read what is served`;
      },
    },
  ];
}
