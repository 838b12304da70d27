import { CallError } from "@portcullis/contracts";
import { policyFolder, versionsFolder } from "../assemble.ts";
import { realPathOf } from "../files/real-path.ts";
import { replaceFile } from "../files/replace-file.ts";
import { createRoots } from "../files/roots.ts";
import { createVersions, type Version } from "../files/versions.ts";
import { openFacts } from "../pipeline/facts.ts";
import { recordOutcome } from "../pipeline/record.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenServer, openServer } from "./open-server.ts";
import { print, toTable } from "./output.ts";
import { settingsOf } from "./settings-of.ts";
import { inert } from "./terminal-text.ts";

export const fs: Command = {
  usage: "versions [PATH] | undo VERSION",
  summary: "List the old versions of files that tools have written, and put one back",
  options: {},
  async run(invocation) {
    const [verb, given, ...others] = invocation.positionals;
    if (verb === "versions" && others.length === 0) return list(invocation, given);
    if (verb === "undo" && given !== undefined && others.length === 0) return undo(invocation, given);
    throw new CommandError(
      exits.usage,
      verb === "undo" ? "fs undo needs one version's id." : "fs needs one of: versions [PATH], undo VERSION.",
      verb === "undo" ? "portcullis fs versions PATH lists them" : "portcullis fs --help",
    );
  },
};

const versionsOf = (invocation: Invocation) =>
  createVersions(versionsFolder(invocation.data), settingsOf({ ...invocation, positionals: [] }).files.versions);

async function list(invocation: Invocation, given: string | undefined): Promise<Exit> {
  const path = given === undefined ? undefined : realPathOf(given).normalize("NFC");
  const versions = await versionsOf(invocation).list(path);
  const rows = versions.map(({ id, at, size, path }) => [
    id,
    at.slice(0, 19).replace("T", " "),
    `${size}`,
    inert(path),
  ]);
  const none = path === undefined ? "No old version is kept." : inert(`No old version of ${path} is kept.`);
  print(
    invocation.output,
    { versions },
    versions.length === 0 ? none : toTable([["VERSION", "REPLACED", "BYTES", "FILE"], ...rows]),
  );
  return versions.length === 0 ? exits.no : exits.ok;
}

async function undo(invocation: Invocation, id: string): Promise<Exit> {
  const versions = versionsOf(invocation);
  const found = await versions.read(id);
  if (!found)
    throw new CommandError(
      exits.noInput,
      inert(`No version ${id} is kept, or it is not whole any more.`),
      "portcullis fs versions lists what is kept",
    );
  const { version, content } = found;
  const server = await openServer({ ...invocation, positionals: [] });
  const roots = createRoots(server.folders);
  try {
    await record(server, version);
    const { created, version: kept } = await replaceFile({
      path: version.path,
      content,
      roots,
      versions,
      closed: [invocation.data, policyFolder(invocation.data, server.settings)].map(realPathOf),
      most: Number.MAX_SAFE_INTEGER,
      mode: version.mode,
      hardlinks: false,
      signal: new AbortController().signal,
      allows: () => false,
    });
    const before = created ? "There was no file in its place." : `What it replaced is kept as ${kept}.`;
    print(
      invocation.output,
      { restored: version, ...(kept !== undefined && { version: kept }) },
      inert(`${version.path} is again as it was until ${version.at}. ${before}`),
    );
    return exits.ok;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const { next } = (error.details ?? {}) as { readonly next?: string };
    throw new CommandError(exits.no, inert(error.message), next);
  } finally {
    roots.close();
    await server.stop(0);
  }
}

/** What the owner does is on record before it happens; whoever can run this holds the data folder anyway. */
async function record({ parts }: OpenServer, { id, path, at }: Version): Promise<void> {
  const args = { version: id, path, replaced: at };
  const origin = { door: "cli", credential: { kind: "local", subject: "owner" } } as const;
  const facts = openFacts(parts, origin, { kind: "method", name: "fs.undo", args });
  facts.caller = { subject: "owner", owner: true, grant: "local:owner" };
  const outcome = await recordOutcome(parts, facts, { ok: true, result: args, auditId: facts.id });
  if (!outcome.ok) throw new CallError("UNAVAILABLE", outcome.message);
}
