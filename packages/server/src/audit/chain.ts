import { hash } from "node:crypto";

/** What the first record names as the one before it: 32 zero bytes, in hex. */
export const genesis = "0".repeat(64);

let scratch = Buffer.allocUnsafe(64 * 1024);

/**
 * The hash (hex) that seals a record to the one before: SHA-256 over a zero byte, the previous hash's 32 bytes and the body in UTF-8. The
 * zero byte keeps a record's hash apart from an inner node's, as in a Merkle tree's leaves (RFC 6962, 2.1).
 */
export function linkHash(previous: string, body: string): string {
  // No character takes more than three bytes, so a body that surely fits is not measured first.
  const room = 33 + body.length * 3;
  if (room > scratch.length) scratch = Buffer.allocUnsafe(room);
  scratch[0] = 0;
  if (previous.length !== 64 || scratch.write(previous, 1, 32, "hex") !== 32) {
    throw new TypeError("The hash before a record must be 64 hex digits.");
  }
  const end = 33 + scratch.write(body, 33, "utf8");
  const sealed = hash("sha256", scratch.subarray(0, end), "hex");
  if (scratch.length > 1024 * 1024) scratch = Buffer.allocUnsafe(64 * 1024);
  return sealed;
}
