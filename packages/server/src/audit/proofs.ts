import { openCheckpoint } from "./checkpoint.ts";
import { createTree, type Frontier } from "./merkle.ts";
import { type AuditRecord, keyName } from "./record.ts";
import { parseVerifierKey, type VerifierKey } from "./signed-note.ts";

/** A checkpoint's note, and where it was found. */
export interface KeptNote {
  readonly note: string;
  /** In words: "the log", "the witness" … */
  readonly source: string;
}

export interface ProofOptions {
  readonly notes: readonly KeptNote[];
  /** Keys that are trusted from the start; those that they hand on to by a rotation's record follow. */
  readonly keys: readonly VerifierKey[];
  /** The right edge of the tree up to where the walk begins. */
  readonly frontier?: Frontier | undefined;
}

/** What the checkpoints say of a log: how many of them hold, and up to which record. */
export interface Proven {
  readonly checkpoints: number;
  readonly upTo: number;
  /** Up to which record others than the log itself bear witness. */
  readonly witnessedUpTo: number;
}

export interface ProofFault {
  readonly kind: "checkpoint" | "truncated";
  readonly seq: number;
  readonly message: string;
}

/** Grows the tree along a walk over the log, and holds each checkpoint against it where it is due. */
export interface Proofs {
  step(record: AuditRecord, hash: string): ProofFault | undefined;
  /** Judges what is left when the log has ended at `seq`. */
  tail(seq: number): ProofFault | undefined;
  proven(): Proven;
}

/** How a log names itself as a source; all others are witnesses. */
export const ownSource = "the log";

export function createProofs({ notes, keys, frontier }: ProofOptions): Proofs {
  const tree = createTree(frontier);
  const trusted = [...keys];
  const handovers: { readonly from: string; readonly to: string }[] = [];
  const due = new Map<number, KeptNote[]>();
  let damaged: KeptNote | undefined;
  let [count, upTo, witnessedUpTo] = [0, tree.size, 0];

  for (const kept of new Map(notes.map((kept) => [`${kept.source}\n${kept.note}`, kept])).values()) {
    const size = openCheckpoint(kept.note, [])?.size;
    if (size === undefined) damaged ??= kept;
    else if (size >= tree.size) due.set(size, [...(due.get(size) ?? []), kept]);
  }

  const fault = (kind: ProofFault["kind"], message: string): ProofFault => ({ kind, seq: upTo + 1, message });

  const hold = ({ note, source }: KeptNote): ProofFault | undefined => {
    const opened = openCheckpoint(note, trusted);
    if (opened === undefined || opened.signedBy.length === 0)
      return fault(
        "checkpoint",
        `The checkpoint of ${tree.size} records in ${source} is not signed by a key that is trusted.`,
      );
    if (opened.root !== tree.root().toString("hex"))
      return fault(
        "checkpoint",
        `Records ${upTo + 1} to ${tree.size} are not those that the checkpoint in ${source} was signed over: they were rewritten.`,
      );
    count += 1;
    if (source !== ownSource) witnessedUpTo = Math.max(witnessedUpTo, opened.size);
    return undefined;
  };

  const isSigned = ({ note }: KeptNote): boolean => (openCheckpoint(note, trusted)?.signedBy.length ?? 0) > 0;

  const holdAll = (): ProofFault | undefined => {
    const here = due.get(tree.size);
    if (here === undefined) return undefined;
    due.delete(tree.size);
    // Those by keys that are trusted already come first: they may be what makes the others trusted.
    for (const kept of here.toSorted((a, b) => Number(isSigned(b)) - Number(isSigned(a)))) {
      const wrong = hold(kept);
      if (wrong) return wrong;
      for (const { from, to } of handovers.splice(0)) {
        const key = trusted.some(({ id }) => id === parseVerifierKey(from)?.id) ? parseVerifierKey(to) : undefined;
        if (key) trusted.push(key);
      }
    }
    upTo = tree.size;
    return undefined;
  };
  const first = tree.size > 0 ? holdAll() : undefined;

  return {
    step(record, hash) {
      if (first !== undefined) return first;
      tree.append(Buffer.from(hash, "hex"));
      if (record.kind === "system" && record.method === keyName) {
        const { from = "", to = "" } = (record.args ?? {}) as { readonly from?: string; readonly to?: string };
        handovers.push({ from, to });
      }
      return holdAll();
    },
    tail(seq) {
      const beyond = [...due].filter(([size]) => size > seq).sort(([a], [b]) => b - a)[0];
      if (first !== undefined) return first;
      if (beyond) {
        const [size, kept] = beyond;
        const signed = kept.find(isSigned);
        return signed
          ? {
              kind: "truncated",
              seq: seq + 1,
              message: `Records ${seq + 1} to ${size} are missing from the end of the log, though a checkpoint in ${signed.source} was signed over them.`,
            }
          : fault(
              "checkpoint",
              `A checkpoint of ${size} records in ${kept[0]?.source} is not signed by a key that is trusted.`,
            );
      }
      return damaged && fault("checkpoint", `A checkpoint in ${damaged.source} is damaged: it cannot be read.`);
    },
    proven: () => ({ checkpoints: count, upTo: count > 0 ? upTo : 0, witnessedUpTo }),
  };
}
