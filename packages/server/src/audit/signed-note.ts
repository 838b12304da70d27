import { createPrivateKey, createPublicKey, hash, sign, verify } from "node:crypto";

/**
 * Signed notes of the C2SP (c2sp.org/signed-note) with Ed25519 keys: a text, an empty line, and a line for each signature. A key is told by
 * its verifier key `NAME+ID+KEY`, where ID is the start of SHA-256 over the name and the key, so that neither can be exchanged alone.
 */
export interface VerifierKey {
  readonly name: string;
  /** Eight hex digits. */
  readonly id: string;
  /** The 32 bytes of the public key. */
  readonly bytes: Buffer;
}

export interface Signer {
  readonly name: string;
  /** The private key as PKCS #8 in DER, base64. */
  readonly secret: string;
}

const ed25519 = 1;
/** What stands before the 32 bytes of an Ed25519 public key in DER (RFC 8410, 4). */
const spki = Buffer.from("302a300506032b6570032100", "hex");

export function toVerifierKey(name: string, bytes: Buffer): VerifierKey {
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), bytes]), "hex").slice(0, 8);
  return { name, id, bytes };
}

export const publicKeyOf = (secret: string): Buffer =>
  createPublicKey(privateKey(secret)).export({ type: "spki", format: "der" }).subarray(spki.length);

export const formatVerifierKey = ({ name, id, bytes }: VerifierKey): string =>
  `${name}+${id}+${Buffer.concat([Buffer.of(ed25519), bytes]).toString("base64")}`;

/** Undefined for a text that is no verifier key of Ed25519, or whose id is another key's. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const [, name = "", id = "", encoded = ""] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.length !== 33 || bytes[0] !== ed25519) return undefined;
  const key = toVerifierKey(name, bytes.subarray(1));
  return key.id === id ? key : undefined;
}

/** `text` ends in a line end and holds no empty line. */
export function signNote(text: string, signers: readonly Signer[]): string {
  const lines = signers.map(({ name, secret }) => {
    const { id } = toVerifierKey(name, publicKeyOf(secret));
    const signature = sign(null, Buffer.from(text), privateKey(secret));
    return `\u2014 ${name} ${Buffer.concat([Buffer.from(id, "hex"), signature]).toString("base64")}\n`;
  });
  return `${text}\n${lines.join("")}`;
}

export interface OpenedNote {
  readonly text: string;
  /** Those of the given keys that have signed it. */
  readonly signedBy: readonly VerifierKey[];
}

const longest = 16_384;

/**
 * Opens a note with the keys that are trusted. Undefined when it is no note, or when a signature by one of them is wrong; signatures of
 * other keys say nothing.
 */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote | undefined {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || note.length > longest || !note.endsWith("\n")) return undefined;
  const text = note.slice(0, cut + 1);
  const signedBy: VerifierKey[] = [];
  for (const line of note.slice(cut + 2, -1).split("\n")) {
    const [, name, encoded = ""] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(encoded, "base64");
    // The only spelling: base64 that decodes to the same bytes by other letters is a changed note.
    if (name === undefined || bytes.length < 5 || bytes.toString("base64") !== encoded) return undefined;
    const id = bytes.subarray(0, 4).toString("hex");
    const key = keys.find((known) => known.name === name && known.id === id);
    if (key === undefined) continue;
    const pub = createPublicKey({ key: Buffer.concat([spki, key.bytes]), format: "der", type: "spki" });
    if (!verify(null, Buffer.from(text), pub, bytes.subarray(4))) return undefined;
    signedBy.push(key);
  }
  return { text, signedBy };
}

const privateKey = (secret: string) =>
  createPrivateKey({ key: Buffer.from(secret, "base64"), format: "der", type: "pkcs8" });
