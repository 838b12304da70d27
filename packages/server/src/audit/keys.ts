import { createHmac, createSecretKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ulid } from "ulid";
import { formatVerifierKey, publicKeyOf, type Signer, toVerifierKey, type VerifierKey } from "./signed-note.ts";

/** The audit's keys, in a file of the data folder that only its owner reads. A retired signing key leaves its public half alone. */
export interface AuditKeys {
  /** Names this log in its checkpoints, and its keys. */
  readonly origin: string;
  /** PKCS #8 in DER, base64. */
  readonly signing: string;
  /** Verifier keys that have signed before, the oldest first. */
  readonly retired: readonly string[];
  /** For values that stand in the audit by their HMAC: 32 bytes, base64, the newest last. */
  readonly hmac: readonly string[];
}

export const keysFile = "audit.keys";

export const signerOf = ({ origin, signing }: AuditKeys): Signer => ({ name: origin, secret: signing });

export const verifierOf = ({ origin, signing }: AuditKeys): VerifierKey => toVerifierKey(origin, publicKeyOf(signing));

/** Undefined when there is no such file. Throws when it is there and cannot be read as one. */
export function readAuditKeys(folder: string): AuditKeys | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, keysFile), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const keys = JSON.parse(text) as Partial<AuditKeys>;
    const { origin, signing, retired, hmac } = keys;
    if (typeof origin === "string" && typeof signing === "string" && Array.isArray(retired) && Array.isArray(hmac)) {
      publicKeyOf(signing);
      return { origin, signing, retired, hmac };
    }
  } catch {
    // Told below, without a word of what the file holds.
  }
  throw new Error(`${join(folder, keysFile)} is damaged: restore a copy, or move it aside to begin with a new key.`);
}

/** The keys of a data folder, made when there are none. Several processes may ask at once: one of them makes the keys of all. */
export function openAuditKeys(folder: string): AuditKeys {
  const known = readAuditKeys(folder);
  if (known) return known;
  const origin = `portcullis.local/audit/${ulid().toLowerCase()}`;
  const fresh = write(folder, { origin, signing: newSigningKey(), retired: [], hmac: [newHmacKey()] });
  try {
    linkSync(fresh, join(folder, keysFile));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
  const keys = readAuditKeys(folder);
  if (!keys) throw new Error(`${join(folder, keysFile)} is gone again.`);
  return keys;
}

/** The keys after a rotation: new ones sign and seal from now on. */
export const rotateKeys = (keys: AuditKeys): AuditKeys => ({
  origin: keys.origin,
  signing: newSigningKey(),
  retired: [...keys.retired, formatVerifierKey(verifierOf(keys))],
  hmac: [...keys.hmac, newHmacKey()],
});

/** Puts keys in the place of those of the folder. */
export function replaceAuditKeys(folder: string, keys: AuditKeys): void {
  renameSync(write(folder, keys), join(folder, keysFile));
}

/** Tells a value by its HMAC: equal values can be told to be equal, and found by whoever holds the key, and nothing else can be learned. */
export type Digest = (value: string) => string;

export const createDigest = ({ hmac }: Pick<AuditKeys, "hmac">): Digest => toDigest(hmac.at(-1) ?? "");

/** The digests of a value by all keys that there have been: to look for it. */
export const allDigests = ({ hmac }: AuditKeys, value: string): readonly string[] =>
  hmac.map((key) => toDigest(key)(value));

function toDigest(key: string): Digest {
  // Prepared once: Node takes three times as long with a key that is bytes.
  const secret = createSecretKey(key, "base64");
  const id = createHmac("sha256", secret).update("key id").digest("hex").slice(0, 8);
  return (value) => `hmac:${id}:${createHmac("sha256", secret).update(value).digest("base64url")}`;
}

const newHmacKey = (): string => randomBytes(32).toString("base64");

const newSigningKey = (): string =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");

/** Writes the keys whole under a name of their own, which it answers. */
function write(folder: string, keys: AuditKeys): string {
  const path = join(folder, `${keysFile}.${randomBytes(6).toString("hex")}`);
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, `${JSON.stringify(keys, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return path;
}
