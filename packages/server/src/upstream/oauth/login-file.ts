import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { KnownSecret } from "../../redaction/known-secrets.ts";
import { isObject } from "../read-schema.ts";

/** What is kept of the server that gave the tokens: they are renewed and revoked there, and nowhere else. */
export type KeptServer = {
  readonly issuer: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint?: string;
  readonly token_endpoint_auth_methods_supported?: string[];
};

export interface KeptClient {
  readonly client_id: string;
  /** Only one that the server made at the registration: the owner's own stays where the configuration has it. */
  readonly client_secret?: string;
}

export interface Tokens {
  readonly access: string;
  readonly refresh?: string;
  /** When the access token is over, in ms since 1970; absent when the server does not say. */
  readonly expiresAt?: number;
  readonly scope?: string;
}

/** Portcullis' own login at an upstream server. */
export interface Login {
  readonly version: 1;
  /** The address that the tokens are for. */
  readonly url: string;
  readonly resource: string;
  readonly server: KeptServer;
  readonly client: KeptClient;
  /** ISO 8601: when the owner logged in. */
  readonly since: string;
  readonly tokens?: Tokens;
  /** Why the tokens are gone. */
  readonly ended?: string;
}

/** Where a source's login is kept, for the owner alone: no source's name holds a dot. */
export const loginPath = (data: string, source: string): string => join(data, "secrets", `${source}.oauth.json`);

/** Reads a login; undefined when there is none. Throws an Error for a damaged file. */
export function readLogin(file: string): Login | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const login = parse(text);
  if (login) return login;
  throw new Error(`${file} is damaged`);
}

function parse(text: string): Login | undefined {
  try {
    const login: unknown = JSON.parse(text);
    const whole =
      isObject(login) &&
      login.version === 1 &&
      isObject(login.server) &&
      isObject(login.client) &&
      (login.tokens === undefined || (isObject(login.tokens) && typeof login.tokens.access === "string"));
    return whole ? (login as unknown as Login) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes beside the file, to the disk, and renames: after a crash there is the old login or the new one. */
export function writeLogin(file: string, login: Login): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const draft = openSync(`${file}.new`, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(draft, 0o600);
    writeFileSync(draft, `${JSON.stringify(login)}\n`);
    fsyncSync(draft);
  } finally {
    closeSync(draft);
  }
  renameSync(`${file}.new`, file);
}

/** Forgets a login, and what a crash may have left beside it. */
export function forgetLogin(file: string): void {
  for (const path of [file, `${file}.new`]) rmSync(path, { force: true });
}

/** All of a login that must never leave. */
export const secretsOf = (source: string, { tokens, client }: Login): readonly KnownSecret[] =>
  [tokens?.access, tokens?.refresh, client.client_secret]
    .filter((value) => value !== undefined)
    .map((value) => ({ name: source, value }));
