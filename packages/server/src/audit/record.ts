import { hash } from "node:crypto";
import type { Labels } from "@portcullis/contracts";
import type { Entry } from "../stores/store.ts";

/**
 * What a record is of: a call's outcome, an effect about to happen, an envelope that became no call, another method, events that leave or their end,
 * the end of a resource's stream, the server itself.
 */
export type Kind = "call" | "intent" | "refused" | "method" | "event" | "stream" | "system";

/** What information flow made of a call: the labels of its line of work before and after, and what it met. */
export interface FlowNote {
  readonly id: string;
  readonly client: "open" | "closed";
  readonly before: { readonly private: readonly string[]; readonly untrusted: readonly string[] };
  readonly after: { readonly private: readonly string[]; readonly untrusted: readonly string[] };
  readonly verdict: "allow" | "consented" | "R0" | "R1" | "R2" | "ref";
  /** Where its arguments were to go, and what it was to do. */
  readonly sinks?: readonly string[];
}

/**
 * All that is kept of one happening, in the order in which it is written. Whoever makes one has scrubbed it: nothing here is masked later.
 * A record longer than `maxRecordBytes` is shortened when it is sealed, never refused: what was too large to keep must be on record too.
 */
export interface AuditDraft {
  readonly kind: Kind;
  /** The call's id (a ULID): an intent and its outcome share it. */
  readonly id: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly at: string;
  /** Names one life of the server's process. */
  readonly boot: string;
  readonly subject?: string | undefined;
  /** Id of the token that the caller's rights come from. */
  readonly grant?: string | undefined;
  readonly session?: string | undefined;
  readonly door?: string | undefined;
  readonly peer?: string | undefined;
  /** What the client program calls itself. */
  readonly client?: { readonly name: string; readonly version?: string | undefined } | undefined;
  /** What the caller calls itself: claimed, not proved. */
  readonly agent?: string | undefined;
  readonly tool?: string | undefined;
  readonly method?: string | undefined;
  /** Canonical URIs. */
  readonly resources?: readonly string[] | undefined;
  readonly args?: unknown;
  /** `stated` is false when the client's default stood in for a purpose. */
  readonly purpose?: { readonly text?: string | undefined; readonly stated: boolean } | undefined;
  readonly turn?: string | undefined;
  /** The id of what led to this. */
  readonly parent?: string | undefined;
  /** The caller's own trace (W3C Trace Context): 32 hex digits. */
  readonly traceId?: string | undefined;
  /** Hash of the policy that decided. */
  readonly policy?: string | undefined;
  readonly decision?: string | undefined;
  /** The rule that decided, or null when none matched. */
  readonly scope?: string | null | undefined;
  readonly reason?: string | undefined;
  /** The consent request that a denied call opened or joined, or the grant of the owner's that allowed it. */
  readonly consent?: string | undefined;
  readonly labels?: Labels | undefined;
  readonly flow?: FlowNote | undefined;
  /** How many secrets of each kind were masked. */
  readonly masks?: Readonly<Record<string, number>> | undefined;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly durationUs?: number | undefined;
  /** The HMAC of the answer's text. */
  readonly result?: string | undefined;
  /** "ok", or the code of the refusal. */
  readonly outcome?: string | undefined;
}

/** A draft in its place in the chain. */
export interface AuditRecord extends AuditDraft {
  readonly seq: number;
  /** Hash (hex) of the record before. */
  readonly previous: string;
}

/** The method of the record by which a log tells what it found when it was opened: acknowledged records gone, a process that died. */
export const recoveryName = "audit.recover";

/** The method of the record by which one signing key hands on to the next. */
export const keyName = "audit.key";

/** The method of the record that tells which of the oldest records were sealed away. */
export const sealName = "audit.seal";

/** The outcome of a call whose process died before it was recorded. */
export const unknownOutcome = "unknown";

/** The most that one record takes, in bytes of UTF-8. */
export const maxRecordBytes = 64 * 1024;

/** Writes a draft out, once; the log then only puts the two links of the chain in front of it. */
export function sealRecord(draft: AuditDraft): Entry {
  const text = toText(draft);
  if (isOutcome(draft)) return { text, closes: draft.id };
  return draft.kind === "intent" ? { text, opens: draft.id, late: () => tellNothingDone(draft) } : { text };
}

/** Whether a record tells how something ended, and so closes the intent of the same id where there is one. */
export const isOutcome = ({ kind }: Pick<AuditDraft, "kind">): boolean => kind === "call" || kind === "method";

/** The body of an entry in its place. */
export const placeRecord = ({ text }: Pick<Entry, "text">, seq: number, previous: string): string =>
  `{"seq":${seq},"previous":"${previous}",${text}`;

/** An intent that was written too late: its call has been refused before anything was done. */
const tellNothingDone = (intent: AuditDraft): Entry =>
  sealRecord({
    ...intent,
    kind: "call",
    args: undefined,
    policy: undefined,
    outcome: "UNAVAILABLE",
    reason: "Nothing was done: the record of the intent was not written in time, and the call was refused.",
  });

/** The record behind a body that `sealRecord` wrote. Throws a `SyntaxError` when it is not one. */
export function parseRecord(body: string): AuditRecord {
  const record: unknown = JSON.parse(body);
  if (typeof record === "object" && record !== null && "seq" in record && "previous" in record && "kind" in record) {
    return record as AuditRecord;
  }
  throw new SyntaxError("The text is JSON, but not a record of the audit.");
}

function toText(draft: AuditDraft): string {
  const text = toJson(draft);
  if (!isLong(text)) return text;
  const args = JSON.stringify(draft.args) ?? "";
  const omitted = { omitted: { bytes: Buffer.byteLength(args), sha256: hash("sha256", args, "hex") } };
  const lean: AuditDraft = isLong(args, 4 * 1024) ? { ...draft, args: omitted } : draft;
  const shortened = toJson(lean, shorten);
  return isLong(shortened)
    ? toJson({ ...lean, masks: undefined, labels: undefined, args: omitted }, shorten)
    : shortened;
}

// A third is sure to fit, whatever the characters; only what is longer has to be measured.
const isLong = (text: string, most: number = maxRecordBytes): boolean =>
  text.length * 3 > most && Buffer.byteLength(text) > most;

const shorten = (_key: string, value: unknown): unknown => {
  if (typeof value === "string" && value.length > 320)
    return `${value.slice(0, 300).toWellFormed()}… (${value.length})`;
  if (Array.isArray(value) && value.length > 20) return [...value.slice(0, 19), `… (${value.length})`];
  return value;
};

/** The draft without its opening brace. Every field is named so that the order never hangs on how a caller built the draft. */
function toJson(draft: AuditDraft, replacer?: (key: string, value: unknown) => unknown): string {
  const ordered: { readonly [Field in keyof Required<AuditDraft>]: AuditDraft[Field] } = {
    kind: draft.kind,
    id: draft.id,
    at: draft.at,
    boot: draft.boot,
    subject: draft.subject,
    grant: draft.grant,
    session: draft.session,
    door: draft.door,
    peer: draft.peer,
    client: draft.client,
    agent: draft.agent,
    tool: draft.tool,
    method: draft.method,
    resources: draft.resources,
    args: draft.args,
    purpose: draft.purpose,
    turn: draft.turn,
    parent: draft.parent,
    traceId: draft.traceId,
    policy: draft.policy,
    decision: draft.decision,
    scope: draft.scope,
    reason: draft.reason,
    consent: draft.consent,
    labels: draft.labels,
    flow: draft.flow,
    masks: draft.masks,
    bytesIn: draft.bytesIn,
    bytesOut: draft.bytesOut,
    durationUs: draft.durationUs,
    result: draft.result,
    outcome: draft.outcome,
  };
  // Bytes that are not UTF-8 read back as U+FFFD: with the real one escaped, no damage can hide behind it.
  return JSON.stringify(ordered, replacer).slice(1).replaceAll("\uFFFD", "\\ufffd");
}
