import { remember, remembered, sendJson } from "./gm.ts";

/** A server that the script is paired with. */
export interface Pairing {
  /** Without a slash at the end. */
  readonly server: string;
  readonly token: string;
  readonly name: string;
}

/** A refusal, or no answer, in words for the owner. */
export class ServerFault extends Error {
  override readonly name = "ServerFault";
  readonly code: string;
  /** How long to wait before it is tried again; undefined where that is of no use. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, code = "", retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isPairing = (value: unknown): value is Pairing =>
  isRecord(value) &&
  typeof value.server === "string" &&
  toServer(value.server) === value.server &&
  typeof value.token === "string" &&
  typeof value.name === "string";

const nothing: Pairing = { server: "", token: "", name: "" };

export function currentPairing(): Pairing | undefined {
  const found = remembered("pairing", nothing, isPairing);
  return found.token === "" ? undefined : found;
}

export const forgetPairing = (): void => remember("pairing", nothing);

/** The address of a server on this machine; undefined for any other place: a chat is not sent away. */
export function toServer(typed: string): string | undefined {
  const text = typed.trim().replace(/\/+$/, "");
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, origin, username, password } = new URL(text);
  const near = hostname === "127.0.0.1" || hostname === "localhost";
  return (protocol === "http:" || protocol === "https:") && near && username + password === "" && origin === text
    ? origin
    : undefined;
}

/** Trades a code of the owner's for a token that is bound to a key which only this script knows. */
export async function pairWith(typed: string, code: string): Promise<Pairing> {
  const server = toServer(typed);
  if (server === undefined)
    throw new ServerFault("This is no server on this machine: it begins with http://127.0.0.1 or http://localhost.");
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const key = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  const said = read(await send(`${server}/v1/pair`, { code: code.trim(), key }));
  if (typeof said.token !== "string" || typeof said.name !== "string") throw new ServerFault("This is no Portcullis.");
  const pairing = { server, token: `${said.token}.${key}`, name: said.name };
  remember("pairing", pairing);
  return pairing;
}

export interface Called {
  readonly result: Readonly<Record<string, unknown>>;
  readonly citations: readonly Readonly<Record<string, unknown>>[];
}

/** Calls one of the script's tools. `purpose` stands in the audit. */
export async function callTool(name: string, args: unknown, purpose: string): Promise<Called> {
  const pairing = currentPairing();
  if (!pairing) throw new ServerFault("This script is not paired yet.", "UNPAIRED");
  const body = { name, args, trace: { agent: "userscript", purpose } };
  const said = read(await send(`${pairing.server}/v1/tools/call`, body, pairing.token));
  if (!isRecord(said.result)) throw new ServerFault("This answer cannot be read.");
  return { result: said.result, citations: Array.isArray(said.citations) ? said.citations.filter(isRecord) : [] };
}

async function send(url: string, body: unknown, token?: string) {
  try {
    return await sendJson(url, body, token);
  } catch {
    throw new ServerFault(`Nobody answers at ${new URL(url).origin}. Is Portcullis running? portcullis serve`, "AWAY");
  }
}

function read({ status, text }: { readonly status: number; readonly text: string }): Readonly<Record<string, unknown>> {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw new ServerFault(`This answer (${status}) is not of Portcullis.`);
  }
  if (!isRecord(said)) throw new ServerFault(`This answer (${status}) is not of Portcullis.`);
  if (status === 200 && said.ok !== false) return said;
  const details = isRecord(said.details) ? said.details : {};
  const next = typeof details.next === "string" ? ` ${details.next}` : "";
  const retry = typeof details.retryAfterMs === "number" ? details.retryAfterMs : undefined;
  throw new ServerFault(`${String(said.message ?? `Refused (${status}).`)}${next}`, String(said.code ?? ""), retry);
}
