import { readFileSync } from "node:fs";
import { join } from "node:path";
import { genesis } from "../audit/chain.ts";
import { openCheckpoint } from "../audit/checkpoint.ts";
import { readAuditKeys, verifierOf } from "../audit/keys.ts";
import { createTree, type Frontier, unpackFrontier } from "../audit/merkle.ts";
import { type KeptNote, ownSource } from "../audit/proofs.ts";
import type { SealedAuditLog } from "../audit/sealed-log.ts";
import { parseVerifierKey, type VerifierKey } from "../audit/signed-note.ts";
import { type Verification, verifyChain } from "../audit/verify.ts";
import { readHolder } from "../stores/data-folder.ts";
import { readWitness } from "../stores/files/audit-witness.ts";
import { checkpointFile } from "../stores/sqlite/audit-checkpoints.ts";
import { readAuditHead } from "../stores/sqlite/audit-head.ts";
import type { Head } from "../stores/store.ts";
import { exitOf, toFleetText, verifyFleet, worst } from "./audit-fleet.ts";
import { openForReading } from "./audit-records.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";

/** Verifies the audit of a data folder, with everything that there is to hold it against. */
export async function verify(invocation: Invocation): Promise<Exit> {
  const { values, data, output } = invocation;
  const from = toNumber(text(values, "from"), "--from") ?? 1;
  const until = toNumber(text(values, "to"), "--to");
  // Whatever the log is held against is read before it: a running server goes on writing.
  const expected = until === undefined ? readAuditHead(data) : undefined;
  const outside = await readOutside(invocation);
  const log = openForReading(data);
  try {
    const start = await findStart(log, from);
    const notes = [...ownNotes(log, data), ...outside].filter(({ note }) => !isBeyond(note, until));
    const verification = await verifyChain(log, {
      after: start.after,
      expected,
      until,
      proofs: { notes, keys: readKeys(invocation), frontier: start.frontier },
    });
    const text = toText(verification, { data, sealed: log.sealed()?.last, witnessed: outside.length > 0 });
    const fleet = await verifyFleet(invocation, {
      ...{ keys: () => readKeys(invocation), outside },
      own: () => readAuditKeys(data)?.origin,
    });
    if (!fleet) {
      print(output, verification, text);
      return verification.exit as Exit;
    }
    print(
      output,
      { ...verification, fleet: fleet.chains, gone: fleet.gone },
      `This data folder: ${text}\n\n${toFleetText(fleet)}`,
    );
    return worst([verification.exit, exitOf(fleet)]) as Exit;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw unreadable(`The audit cannot be read: ${(error as Error).message}`);
  } finally {
    await log.close();
  }
}

/** What a server's own look at its audit goes by, for `doctor`. */
export async function verifyOwn(data: string, log: SealedAuditLog): Promise<Verification> {
  const expected = readAuditHead(data);
  const notes = ownNotes(log, data);
  const { after, frontier } = await findStart(log, 1);
  return verifyChain(log, { after, expected, proofs: { notes, keys: ownKeys(data), frontier } });
}

const unreadable = (message: string, next?: string): CommandError => new CommandError(exits.unreadable, message, next);

function ownNotes(log: SealedAuditLog, data: string): KeptNote[] {
  const notes = log.checkpoints().map((note) => ({ note, source: ownSource }));
  const sealed = log.sealed();
  if (sealed) notes.push({ note: sealed.note, source: ownSource });
  try {
    notes.push({ note: readFileSync(join(data, checkpointFile), "utf8"), source: ownSource });
  } catch {
    // A log that is younger than its first checkpoint has none; one that has lost it still has those of its table.
  }
  return notes;
}

function ownKeys(data: string): readonly VerifierKey[] {
  const keys = readAuditKeys(data);
  return keys ? [verifierOf(keys), ...keys.retired.flatMap((key) => parseVerifierKey(key) ?? [])] : [];
}

function readKeys({ values, data }: Invocation): readonly VerifierKey[] {
  const given = text(values, "pubkey");
  if (given === undefined) {
    try {
      return ownKeys(data);
    } catch (error) {
      throw unreadable((error as Error).message, "Name the key that you have kept with --pubkey.");
    }
  }
  const key = parseVerifierKey(given) ?? parseVerifierKey(readOrEmpty(given));
  if (!key) throw unreadable(`${given} is neither a verifier key nor a file that holds one.`);
  return [key];
}

async function readOutside({ values }: Invocation): Promise<readonly KeptNote[]> {
  const notes: KeptNote[] = [];
  const file = text(values, "checkpoint");
  if (file !== undefined) {
    const note = readOrEmpty(file);
    if (note === "") throw unreadable(`The checkpoint ${file} cannot be read.`);
    notes.push({ note, source: file });
  }
  const witness = text(values, "witness");
  if (witness === undefined) return notes;
  try {
    const kept = await readWitness(witness);
    return [...notes, ...kept.map((note) => ({ note, source: `the witness ${witness}` }))];
  } catch (error) {
    throw unreadable(`The witness ${witness} cannot be read: ${(error as Error).message}`);
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const isBeyond = (note: string, until: number | undefined): boolean =>
  until !== undefined && (openCheckpoint(note, [])?.size ?? 0) > until;

interface Start {
  readonly after: Head | undefined;
  readonly frontier: Frontier | undefined;
}

/** Where to begin: after what was sealed away, and before record `from`. The tree up to there is grown from the hashes alone. */
async function findStart(log: SealedAuditLog, from: number): Promise<Start> {
  const sealed = log.sealed();
  const edge = sealed && unpackFrontier(sealed.last, sealed.frontier);
  if (sealed && !edge) throw unreadable("What is kept of the sealed records is damaged.");
  const tree = createTree(edge);
  let after: Head | undefined = sealed && { seq: sealed.last, hash: sealed.hash };
  while (tree.size < from - 1) {
    const records = await log.read(tree.size, Math.min(1_000, from - 1 - tree.size));
    if (records.length === 0) throw new CommandError(exits.usage, `The audit ends before record ${from}.`);
    for (const { seq, hash } of records) {
      if (seq !== tree.size + 1) return { after, frontier: tree.frontier() };
      tree.append(Buffer.from(hash, "hex"));
      after = { seq, hash: hash || genesis };
    }
  }
  return { after, frontier: tree.frontier() };
}

function toNumber(given: string | undefined, option: string): number | undefined {
  if (given === undefined) return undefined;
  if (!/^[1-9]\d{0,14}$/.test(given)) throw new CommandError(exits.usage, `${option} takes the number of a record.`);
  return Number(given);
}

interface About {
  readonly data: string;
  readonly sealed: number | undefined;
  readonly witnessed: boolean;
}

function toText(verification: Verification, { data, sealed, witnessed }: About): string {
  const { status, records, head, fault, unfinishedCount, unknown, proven } = verification;
  const newest = (head?.seq ?? 0) - (proven?.upTo ?? 0);
  const running = readHolder(data) ? "; some may be running now" : "";
  return [
    status === "ok"
      ? `The audit is whole: ${records} records.`
      : `The audit is ${status}: ${records} records are good.`,
    ...(fault ? [`First bad record: ${fault.seq} (${fault.kind}). ${fault.message}`] : []),
    ...(sealed ? [`Records up to ${sealed} were sealed away.`] : []),
    ...(proven && proven.checkpoints > 0
      ? [`${proven.checkpoints} signed checkpoints hold, the newest over ${proven.upTo} records.`]
      : ["No signed checkpoint covers these records yet."]),
    ...(newest > 0 ? [`The newest ${newest} records are held by the chain alone.`] : []),
    ...(unknown > 0 ? [`${unknown} effects were cut off by a crash: what became of them is not known.`] : []),
    ...(unfinishedCount > 0 ? [`${unfinishedCount} effects were begun and have no outcome${running}.`] : []),
    ...(head ? [`Head: record ${head.seq}, ${head.hash}.`] : []),
    witnessed
      ? `A witness outside of the data folder covers ${proven?.witnessedUpTo ?? 0} records.`
      : "Not proven: whoever holds the data folder holds the signing key too, and could have rewritten everything. Only a witness elsewhere shows that: audit.witness, and --witness here.",
  ].join("\n");
}
