import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openAuditKeys, verifierOf } from "../audit/keys.ts";
import { formatVerifierKey } from "../audit/signed-note.ts";
import { checkpointFile } from "../stores/sqlite/audit-checkpoints.ts";
import { filterOptions } from "./audit-filter.ts";
import { rotate, seal } from "./audit-owner.ts";
import { exportRecords, query, tail } from "./audit-query.ts";
import { verify } from "./audit-verify.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";

const verbs: Readonly<Record<string, (invocation: Invocation) => Promise<Exit>>> = {
  tail,
  query,
  export: exportRecords,
  verify,
  checkpoint,
  key,
  seal,
};

export const audit: Command = {
  usage: "tail [-f] | query | export | verify | checkpoint | key [rotate] | seal --before WHEN --to FILE",
  summary: "Show what happened, and check that the record of it is whole",
  options: {
    lines: { type: "string", help: "tail: how many of the last records to show (default 20)" },
    follow: { type: "boolean", short: "f", help: "tail: go on showing records as they are written" },
    ...filterOptions,
    limit: { type: "string", help: "query: the most records to show (default 1000)" },
    format: { type: "string", help: "export: jsonl (default) or csv" },
    from: { type: "string", help: "verify: the first record to check" },
    to: { type: "string", help: "verify: the last record to check; seal: the file to move records to" },
    pubkey: { type: "string", help: "verify: the log's verifier key as you have kept it, or a file that holds it" },
    checkpoint: { type: "string", help: "verify: a checkpoint as you have kept it" },
    witness: { type: "string", help: "verify: the witness's folder, or a git repository" },
    before: { type: "string", help: "seal: records before this are moved: 90d, or a date" },
    drop: { type: "boolean", help: "seal: drop the records instead of moving them to a file" },
  },
  async run(invocation) {
    const run = verbs[invocation.positionals[0] ?? ""];
    if (!run)
      throw new CommandError(
        exits.usage,
        `audit needs one of: ${Object.keys(verbs).join(", ")}.`,
        "portcullis audit --help",
      );
    return run(invocation);
  },
};

/** The newest checkpoint as it is, for whoever wants to keep it. */
async function checkpoint({ data, output }: Invocation): Promise<Exit> {
  let note: string;
  try {
    note = readFileSync(join(data, checkpointFile), "utf8");
  } catch {
    throw new CommandError(exits.no, "There is no checkpoint yet: the first one is made 10 s after the first record.");
  }
  print(output, { note }, note.trimEnd());
  return exits.ok;
}

/** The verifier key, for whoever wants to check checkpoints; or a new one. */
async function key(invocation: Invocation): Promise<Exit> {
  const { positionals, data, output } = invocation;
  if (positionals[1] === "rotate") return rotate(invocation);
  if (positionals[1] !== undefined) throw new CommandError(exits.usage, "audit key takes nothing, or rotate.");
  const verifier = formatVerifierKey(verifierOf(openAuditKeys(data)));
  print(output, { key: verifier }, verifier);
  return exits.ok;
}
