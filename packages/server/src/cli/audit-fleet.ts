import { openCheckpoint } from "../audit/checkpoint.ts";
import { readAuditKeys } from "../audit/keys.ts";
import type { KeptNote } from "../audit/proofs.ts";
import { parseVerifierKey, type VerifierKey } from "../audit/signed-note.ts";
import { type Verification, verifyChain } from "../audit/verify.ts";
import type { AuditChain, AuditShare } from "../stores/audit-share.ts";
import type { Invocation } from "./command.ts";
import { exits } from "./exit.ts";
import { withShared } from "./with-shared.ts";

/** One replica's log as the shared audit has it, verified. */
export interface VerifiedChain extends Verification {
  readonly origin: string;
  /** The machine that wrote it. */
  readonly name: string;
}

export interface FleetVerification {
  readonly chains: readonly VerifiedChain[];
  /** Logs of which a checkpoint tells, and of which the shared audit knows nothing. */
  readonly gone: readonly string[];
}

export interface FleetOptions {
  /** Keys that are trusted whatever the shared audit says, by the log that they are of. */
  readonly keys: () => readonly VerifierKey[];
  /** Checkpoints from elsewhere. */
  readonly outside: readonly KeptNote[];
  /** The log of this data folder, which the shared audit has to know. */
  readonly own: () => string | undefined;
}

/**
 * Verifies every chain in the shared audit, each with its own checkpoints and with all that were kept elsewhere. A checkpoint of a log that is not there
 * tells that it is gone as a whole, which no chain could. Undefined where the audit is not shared.
 */
export async function verifyFleet(
  invocation: Invocation,
  options: FleetOptions,
): Promise<FleetVerification | undefined> {
  return withAuditShare(invocation, async (share) => {
    const known = await share.chains();
    const chains: VerifiedChain[] = [];
    for (const chain of known) chains.push(await verifyOne(share, chain, options));
    const origins = new Set(known.map(({ origin }) => origin));
    const told = [...options.outside.map(({ note }) => openCheckpoint(note, [])?.origin), options.own()];
    const gone = new Set(told.filter((origin) => origin !== undefined && !origins.has(origin)));
    return { chains, gone: [...gone].filter((origin) => origin !== undefined) };
  });
}

/**
 * The last record of this data folder's log that the shared audit has: what lies behind it is nowhere else yet. 0 where it has none; undefined where the
 * audit is not shared.
 */
export const sharedUpTo = (invocation: Invocation): Promise<number | undefined> =>
  withAuditShare(invocation, async (share) => {
    const origin = readAuditKeys(invocation.data)?.origin;
    return (origin === undefined ? undefined : await share.last(origin))?.seq ?? 0;
  });

async function withAuditShare<T>(
  invocation: Invocation,
  work: (share: AuditShare) => Promise<T>,
): Promise<T | undefined> {
  return withShared(invocation, { concern: "audit", away: exits.unreadable }, async (engine) => {
    const { createAuditShare } = await import("../stores/postgres/audit-share.ts");
    return work(createAuditShare(engine));
  });
}

async function verifyOne(
  share: AuditShare,
  { origin, keys, name }: AuditChain,
  { keys: trusted, outside }: FleetOptions,
): Promise<VerifiedChain> {
  const kept = trusted().filter((key) => key.name === origin);
  const notes = (await share.checkpoints(origin)).map((note) => ({ note, source: "the shared audit" }));
  const elsewhere = outside.filter(({ note }) => openCheckpoint(note, [])?.origin === origin);
  const verification = await verifyChain(
    { read: (after, limit) => share.read(origin, after, Math.min(limit, page)) },
    {
      proofs: {
        notes: [...notes, ...elsewhere],
        // A key that was kept elsewhere counts for more than what the shared audit says of itself.
        keys: kept.length > 0 ? kept : keys.flatMap((key) => parseVerifierKey(key) ?? []),
        frontier: undefined,
      },
    },
  );
  return { origin, name, ...verification };
}

const page = 1_000;

/** The worst of all, as an exit status. */
export const exitOf = ({ chains, gone }: FleetVerification): number =>
  gone.length > 0 ? 1 : worst(chains.map(({ exit }) => exit));

/** Tampered is worse than unreadable, and that worse than incomplete. */
const order = [0, 2, 3, 1];
export const worst = (exits: readonly number[]): number =>
  exits.reduce((sum, exit) => (order.indexOf(exit) > order.indexOf(sum) ? exit : sum), 0);

export const toFleetText = ({ chains, gone }: FleetVerification): string =>
  [
    `The shared audit has ${chains.length} logs:`,
    ...chains.map(({ origin, name, status, records, fault, proven, unfinishedCount }) =>
      [
        `  ${origin} (${name}): ${status === "ok" ? "whole" : status}, ${records} records, ${proven?.upTo ?? 0} of them under a signed checkpoint`,
        ...(fault ? [`first bad record ${fault.seq} (${fault.kind}): ${fault.message}`] : []),
        ...(unfinishedCount > 0
          ? [`${unfinishedCount} effects were begun and have no outcome; some may be running now`]
          : []),
      ].join("; "),
    ),
    ...gone.map((origin) => `  ${origin}: gone as a whole, though it is known to have been.`),
  ].join("\n");
