import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { GuardedFetch } from "../../network/guarded-fetch.ts";
import { digest } from "../tokens.ts";
import { externalGrant } from "./access.ts";
import type { Bearer } from "./bearer.ts";

/** An issuer elsewhere that the owner trusts to say who calls. */
export interface ExternalIssuerSettings {
  readonly url: string;
  /** What its tokens have to be for. */
  readonly audience: string;
  /** The claim that tells who calls. */
  readonly claim: string;
  /** `VALUE=SUBJECT`: whom a value of the claim acts as; `*=SUBJECT` for every other one. */
  readonly subjects: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockSkewSeconds: number;
}

export interface ExternalIssuer {
  /** Whom a token of the issuer's speaks for; undefined when it is not a good one, or its bearer is nobody here. */
  find(token: string, now: number): Promise<Bearer | undefined>;
}

export interface ExternalIssuerOptions {
  readonly settings: ExternalIssuerSettings;
  readonly fetch: GuardedFetch;
  readonly fault: (error: unknown) => void;
}

/** Algorithms that need no shared secret. */
const known = new Set([
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
]);
const minute = 60_000;
/** Keys are fetched anew after this, and an unknown key id may ask for them once in the shorter span. */
const keysLast = 60 * minute;
const keysRest = minute / 2;
/** A login lasts no longer than this, whatever its token says: it cannot be revoked here. */
const longest = 24 * 60 * minute;

/** Why the settings cannot be used; undefined when they can. */
export function externalFault({
  url,
  audience,
  claim,
  subjects,
  algorithms,
}: ExternalIssuerSettings): string | undefined {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return "oauth.issuer.url is no http(s) URL.";
  if (audience === "") return "oauth.issuer.audience is missing: a token for another server would be taken.";
  if (claim === "") return "oauth.issuer.claim is missing.";
  if (subjects.length === 0) return "oauth.issuer.subjects is empty, so nobody could log in: add VALUE=SUBJECT.";
  const wrong = subjects.find((entry) => !/^.+=[\w.@:+/-]{1,128}$/.test(entry));
  if (wrong !== undefined) return `oauth.issuer.subjects: ${JSON.stringify(wrong)} is not VALUE=SUBJECT.`;
  const unknown = algorithms.find((name) => !known.has(name));
  if (algorithms.length === 0 || unknown !== undefined)
    return `oauth.issuer.algorithms: ${JSON.stringify(unknown ?? "")} is none of ${[...known].join(", ")}.`;
  return undefined;
}

export function createExternalIssuer({ settings, fetch, fault }: ExternalIssuerOptions): ExternalIssuer {
  const wrong = externalFault(settings);
  if (wrong !== undefined) throw new Error(wrong);
  const { url, audience, claim, algorithms, clockSkewSeconds } = settings;
  const subjects = new Map(settings.subjects.map((entry) => splitLast(entry)));

  const getJson = async (target: string): Promise<Record<string, unknown>> => {
    const headers = { accept: "application/json" };
    const { status, body } = await fetch({ url: target, headers, maxBytes: 262_144, reach: () => "public" });
    if (status !== 200) throw new Error(`${target} answered ${status}.`);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as Record<string, unknown>;
  };

  const loadKeys = async (): Promise<JSONWebKeySet> => {
    const metadata = await getJson(`${url.replace(/\/+$/, "")}/.well-known/openid-configuration`);
    // OpenID Connect Discovery 1.0, 4.3: else another issuer's keys would speak for this one.
    if (metadata.issuer !== url) throw new Error(`The metadata of ${url} names another issuer.`);
    const keysAt = String(metadata.jwks_uri);
    // Whoever could change the keys on their way could issue tokens.
    if (url.startsWith("https:") && !keysAt.startsWith("https:"))
      throw new Error("The keys of an https issuer lie at http.");
    const jwks = await getJson(keysAt);
    if (!Array.isArray(jwks.keys)) throw new Error("The issuer's key set holds no keys.");
    return { keys: jwks.keys as JSONWebKeySet["keys"] };
  };

  let keys: JSONWebKeySet | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  const refresh = (now: number): Promise<void> => {
    askedAt = now;
    asking ??= loadKeys()
      .then((loaded) => {
        keys = loaded;
      })
      .catch(fault)
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };

  /** Keys that are fresh enough, and have the key's id as far as the issuer knows it. */
  const keysFor = async (kid: string | undefined, now: number): Promise<JSONWebKeySet | undefined> => {
    const stale = now - askedAt > keysLast;
    const missing = !keys || (kid !== undefined && !keys.keys.some((key) => key.kid === kid));
    if (asking || stale || (missing && now - askedAt > keysRest)) await refresh(now);
    return keys;
  };

  const verify = async (token: string, now: number): Promise<JWTPayload | undefined> => {
    try {
      const { kid, typ } = decodeProtectedHeader(token);
      // RFC 9068, 4 wants at+jwt, which many issuers do not send yet; a type of anything else is no access token.
      if (typ !== undefined && !/^(application\/)?(at\+)?jwt$/i.test(typ)) return undefined;
      const set = await keysFor(kid, now);
      if (!set) return undefined;
      const { payload } = await jwtVerify(token, createLocalJWKSet(set), {
        issuer: url,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(now),
        requiredClaims: ["exp", "sub"],
      });
      // What an issuer signs for the client's own eyes is no key to a server (OpenID Connect Core 1.0, 2).
      return payload.nonce === undefined && payload.at_hash === undefined ? payload : undefined;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) fault(error);
      return undefined;
    }
  };

  return {
    async find(token, now) {
      if (!/^[\w-]{2,2048}\.[\w-]{2,3072}\.[\w-]{2,1024}$/.test(token)) return undefined;
      const payload = await verify(token, now);
      // Nobody in particular: all such logins would share one grant with its limits.
      if (!payload?.sub) return undefined;
      const value = payload[claim];
      const subject = typeof value === "string" ? (subjects.get(value) ?? subjects.get("*")) : undefined;
      if (subject === undefined) return undefined;
      const client = String(payload.client_id ?? payload.azp ?? "");
      const grant = externalGrant + digest(JSON.stringify([url, payload.sub, client])).slice(0, 32);
      const expiresAt = Math.min((payload.exp ?? 0) * 1_000, now + longest);
      return { subject, owner: false, grant, expiresAt, client: true, whole: true };
    },
  };
}

function splitLast(entry: string): [string, string] {
  const at = entry.lastIndexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}
