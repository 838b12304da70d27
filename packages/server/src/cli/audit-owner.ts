import { ulid } from "ulid";
import { openAuditKeys, replaceAuditKeys, rotateKeys, signerOf, verifierOf } from "../audit/keys.ts";
import { type AuditDraft, keyName, sealName, sealRecord } from "../audit/record.ts";
import { formatVerifierKey } from "../audit/signed-note.ts";
import { openAuditLog } from "../stores/sqlite/audit-log.ts";
import { SealError, sealAway, signNow } from "../stores/sqlite/audit-seal.ts";
import { sharedUpTo } from "./audit-fleet.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { toSince } from "./since.ts";
import { withDataFolder } from "./with-data-folder.ts";

/** Records what the owner does to the audit itself, on the command line. */
async function record(data: string, method: string, more: Partial<AuditDraft>): Promise<void> {
  const boot = ulid();
  const log = openAuditLog(data, { boot });
  try {
    const at = new Date().toISOString();
    await log.append(
      sealRecord({
        kind: "system",
        id: ulid(),
        at,
        boot,
        subject: "owner",
        door: "cli",
        method,
        outcome: "ok",
        ...more,
      }),
    );
  } finally {
    await log.close();
  }
}

/**
 * Changes the signing key: a record names the new one, and one checkpoint over that record is signed by both, so that whoever trusts the
 * old key can follow. The old private key is gone afterwards.
 */
export async function rotate({ data, output }: Invocation): Promise<Exit> {
  return withDataFolder(data, async () => {
    const old = openAuditKeys(data);
    const next = rotateKeys(old);
    const [from, to] = [old, next].map((keys) => formatVerifierKey(verifierOf(keys)));
    await record(data, keyName, { args: { from, to } });
    signNow(data, [signerOf(next)]);
    replaceAuditKeys(data, next);
    print(output, { from, to }, `The audit is signed with a new key from now on:\n${to}`);
    return exits.ok;
  });
}

/** Moves the oldest records to a file, or drops them; what proves the rest stays. */
export async function seal(invocation: Invocation): Promise<Exit> {
  const { values, data, output } = invocation;
  const before = text(values, "before");
  const archive = text(values, "to");
  const drop = values.drop === true;
  if (before === undefined || (archive === undefined) !== drop)
    throw new CommandError(exits.usage, "audit seal needs --before WHEN, and either --to FILE or --drop.");
  return withDataFolder(data, async () => {
    try {
      // What the replicas share has to have a record before it leaves this log.
      const upTo = await sharedUpTo(invocation);
      const sealed = await sealAway(data, { before: toSince(before, Date.now()), upTo, archive });
      if (!sealed) {
        print(
          output,
          { records: 0 },
          upTo === undefined
            ? "Nothing is old enough to be sealed: whole stretches up to a checkpoint are."
            : `Nothing is old enough to be sealed: whole stretches up to a checkpoint are, once the shared audit has them (it has ${upTo} records of this log).`,
        );
        return exits.ok;
      }
      const { first, last, hash, sha256 } = sealed;
      await record(data, sealName, { args: { first, last, hash, archive: archive ?? null, sha256 } });
      await sealed.remove();
      const where = archive === undefined ? "dropped" : `moved to ${archive} (SHA-256 ${sha256})`;
      print(
        output,
        { first, last, hash, archive: archive ?? null, sha256 },
        `Records ${first} to ${last} were ${where}.`,
      );
      return exits.ok;
    } catch (error) {
      if (error instanceof SealError) throw new CommandError(exits.no, error.message, "portcullis audit verify");
      throw error;
    }
  });
}
