import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { ulid } from "ulid";

/** A signing key and when it was made, in milliseconds since the epoch. */
interface SigningKey {
  readonly jwk: JWK;
  readonly createdAt: number;
}

export interface Keys {
  /** Private keys, the one that signs first. */
  readonly signing: readonly JWK[];
  /** What cookies are signed with, the newest first. */
  readonly cookies: readonly string[];
}

interface KeyFile {
  readonly signing: readonly SigningKey[];
  readonly cookies: readonly { readonly secret: string; readonly createdAt: number }[];
}

const day = 86_400_000;
/** How long a key signs, and how long it stays known after that: longer than anything it has signed is good for. */
const rotateAfter = 90 * day;
const forgetAfter = rotateAfter + 7 * day;

/**
 * The keys of a data folder, in `oauth-keys.json`, which only its owner may read: made when there are none, and rotated every 90 days. Only one
 * process serves a data folder, so nobody else writes them.
 */
export async function loadKeys(data: string, now: number): Promise<Keys> {
  const path = join(data, "oauth-keys.json");
  const before = readKeys(path) ?? { signing: [], cookies: [] };
  const signing = before.signing.filter(({ createdAt }) => now - createdAt < forgetAfter);
  const cookies = before.cookies.filter(({ createdAt }) => now - createdAt < forgetAfter);
  const newest = signing[0];
  if (newest && now - newest.createdAt < rotateAfter && cookies.length > 0) return toKeys({ signing, cookies });
  const next: KeyFile = {
    signing: [{ jwk: await createSigningKey(now), createdAt: now }, ...signing],
    cookies: [{ secret: randomBytes(32).toString("base64url"), createdAt: now }, ...cookies],
  };
  writePrivately(path, `${JSON.stringify(next)}\n`);
  return toKeys(next);
}

const toKeys = ({ signing, cookies }: KeyFile): Keys => ({
  signing: signing.map(({ jwk }) => jwk),
  cookies: cookies.map(({ secret }) => secret),
});

async function createSigningKey(now: number): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: ulid(now), alg: "ES256", use: "sig" };
}

/** Throws when the file is there but cannot be used: new keys in its place would hide that. */
function readKeys(path: string): KeyFile | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    if ((fstatSync(file).mode & 0o077) !== 0) fchmodSync(file, 0o600);
    const keys = JSON.parse(readFileSync(file, "utf8")) as Partial<KeyFile> | null;
    if (!Array.isArray(keys?.signing) || !Array.isArray(keys.cookies)) throw new Error("it holds no keys");
    return { signing: keys.signing, cookies: keys.cookies };
  } catch (cause) {
    throw new Error(`${path} cannot be used (${(cause as Error).message}): move it aside, and new keys are made.`, {
      cause,
    });
  } finally {
    closeSync(file);
  }
}

function writePrivately(path: string, text: string): void {
  const file = openSync(
    `${path}.new`,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    fchmodSync(file, 0o600);
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
