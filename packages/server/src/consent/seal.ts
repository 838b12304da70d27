import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** What a sealed state says: this caller was told of this request when they made this call. */
export interface SealedFacts {
  readonly request: string;
  readonly subject: string;
  readonly client: string;
  /** The exact call's hash. */
  readonly call: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Seals facts that travel through a client and come back: it can neither read, change nor make them (AES-256-GCM). */
export interface Seal {
  close(facts: SealedFacts): string;
  /** Undefined for what this seal did not close, or what is over. */
  open(text: string, now: number): SealedFacts | undefined;
}

const algorithm = "aes-256-gcm";
const [nonceBytes, tagBytes] = [12, 16];
const longest = 2_048;

/** A seal with a key of this process: after a restart a call is made anew, and joins its request. */
export function createSeal(key: Buffer = randomBytes(32)): Seal {
  return {
    close(facts) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce);
      const body = Buffer.concat([cipher.update(JSON.stringify(facts), "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    open(text, now) {
      if (text.length > longest) return undefined;
      const bytes = Buffer.from(text, "base64url");
      // Base64 has many spellings of the same bytes; only ours counts.
      if (bytes.length <= nonceBytes + tagBytes || bytes.toString("base64url") !== text) return undefined;
      try {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
        decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        const body = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
        const facts = JSON.parse(body.toString("utf8")) as SealedFacts;
        return facts.expiresAt > now ? facts : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
