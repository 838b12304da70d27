import { openNote, type Signer, signNote, type VerifierKey } from "./signed-note.ts";

/** What a checkpoint says (c2sp.org/tlog-checkpoint): the log `origin` had `size` records, and this was the root of their Merkle tree. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

/** A checkpoint as it is kept and handed on, with what its signatures prove. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly signedBy: readonly VerifierKey[];
}

export const signCheckpoint = ({ origin, size, root }: Checkpoint, signers: readonly Signer[]): string =>
  signNote(`${origin}\n${size}\n${Buffer.from(root, "hex").toString("base64")}\n`, signers);

/** Undefined when it is no checkpoint, or a trusted key's signature on it is wrong. Without any trusted signature it proves nothing. */
export function openCheckpoint(note: string, keys: readonly VerifierKey[]): OpenedCheckpoint | undefined {
  const opened = openNote(note, keys);
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n/.exec(opened?.text ?? "") ?? [];
  if (opened === undefined || origin === undefined || size === undefined || root === undefined) return undefined;
  return { origin, size: Number(size), root: Buffer.from(root, "base64").toString("hex"), signedBy: opened.signedBy };
}
