import { createECDH, hash, hkdfSync } from "node:crypto";
import type { JWK } from "jose";

/** What the one secret of a fleet is made into, alike on every replica: nothing of it is kept anywhere. */
export interface FleetKeys {
  /** For the names of turns. */
  readonly turns: Buffer;
  /** For what travels through clients while the owner is asked. */
  readonly consent: Buffer;
  /** What the authorization server signs with. */
  logins(now: number): { readonly signing: readonly JWK[]; readonly cookies: readonly string[] };
}

const day = 86_400_000;
/** How long a key signs. The one before stays known, and so does the next: the clocks of replicas differ. */
const periodMs = 90 * day;
/** The order of P-256 (FIPS 186-5, SP 800-186). */
const order = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

export function createFleetKeys(secret: string): FleetKeys {
  const derive = (what: string, bytes = 32): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, "portcullis fleet", what, bytes));
  /** A key of extra random bits (FIPS 186-5, A.2.1): 64 bits more than the order has, so that no key is likelier than another. */
  const sign = (period: number): JWK => {
    const number = (BigInt(`0x${derive(`signing ${period}`, 40).toString("hex")}`) % (order - 1n)) + 1n;
    const curve = createECDH("prime256v1");
    const d = Buffer.from(number.toString(16).padStart(64, "0"), "hex");
    curve.setPrivateKey(d);
    const point = curve.getPublicKey();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
    return {
      ...{ kty: "EC", crv: "P-256", x, y, d: d.toString("base64url") },
      ...{ kid: hash("sha256", point).slice(0, 26), alg: "ES256", use: "sig" },
    } as JWK;
  };
  return {
    turns: derive("turns"),
    consent: derive("consent"),
    logins(now) {
      const period = Math.floor(now / periodMs);
      const periods = [period, period - 1, period + 1];
      return {
        signing: periods.map(sign),
        cookies: periods.map((one) => derive(`cookies ${one}`).toString("base64url")),
      };
    },
  };
}
