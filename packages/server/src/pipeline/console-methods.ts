import { CallError } from "@portcullis/contracts";
import type { AuditRecord } from "../audit/record.ts";
import { isLive } from "../identity/tokens.ts";
import type { Caller } from "./arrival.ts";
import { isLooking, readRecord } from "./console-records.ts";
import { followAudit } from "./follow-audit.ts";
import type { Asked } from "./methods.ts";

type Answer = (asked: Asked, caller: Caller) => Promise<unknown>;

/** Records on one page at most, and how many are looked at for it: whoever looks for something rare asks again. */
const most = { page: 200, looked: 20_000, chain: 500 } as const;
const windowSize = 1_000;
/** As much of a session's id as the audit shows, which tells them apart. */
const shown = 16;

/** What the owner's console shows beside consent. Each is the owner's alone. */
export const consoleMethods: Readonly<Record<string, Answer>> = {
  async "console.audit"({ parts, params }) {
    const { limit = 50, before } = params;
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
    if (!isCount(limit) || limit > most.page) throw wrong("limit");
    if (before !== undefined && !isCount(before)) throw wrong("before");
    const matches = toFilter(params);
    const records: AuditRecord[] = [];
    let upTo = before === undefined ? ((await parts.audit.head())?.seq ?? 0) : before - 1;
    for (let looked = 0; upTo > 0 && records.length < limit && looked < most.looked; looked += windowSize) {
      const after = Math.max(0, upTo - windowSize);
      for (const stored of (await parts.audit.read(after, upTo - after)).toReversed()) {
        upTo = stored.seq - 1;
        const record = readRecord(stored);
        if (record && matches(record)) records.push(record);
        if (records.length === limit) break;
      }
      if (records.length < limit) upTo = after;
    }
    return { records, ...(upTo > 0 && { before: upTo + 1 }) };
  },

  /** All records that hang on the same first cause as one, oldest first. */
  async "console.chain"({ parts, params }) {
    let root = textOf(params, "id");
    for (let steps = 0; steps < 100; steps++) {
      const found = (await parts.audit.find(root)).map(readRecord);
      const parent = found.map((record) => record?.parent).find((id) => id !== undefined);
      if (parent === undefined || parent === root) break;
      root = parent;
    }
    const [first] = await parts.audit.find(root);
    if (!first) return { records: [] };
    const family = new Set([root]);
    const records: AuditRecord[] = [];
    for (
      let seq = first.seq - 1, looked = 0;
      looked < most.looked && records.length < most.chain;
      looked += windowSize
    ) {
      const read = await parts.audit.read(seq, windowSize);
      for (const stored of read) {
        const record = readRecord(stored);
        if (!record || !(family.has(record.id) || (record.parent !== undefined && family.has(record.parent)))) continue;
        family.add(record.id);
        records.push(record);
      }
      seq = read.at(-1)?.seq ?? seq;
      if (read.length < windowSize) break;
    }
    return { records };
  },

  async "console.clients"({ parts }, caller) {
    const now = parts.now();
    const all = await parts.tokens.list();
    const names = new Map(all.map(({ id, name }) => [id, name]));
    const tools = parts.registry.all().map(({ tool }) => tool.name);
    const tokens = await Promise.all(
      all.map(async (token) => {
        const { id, name, subject, owner, createdAt, expiresAt, revokedAt } = token;
        const narrowing = await parts.oauth.narrowing(id);
        return {
          ...{ id, name, subject, owner, createdAt: toTime(createdAt), expiresAt: toTime(expiresAt) },
          state: revokedAt !== null ? "revoked" : isLive(token, now) ? "valid" : "expired",
          ...(narrowing && { tools: tools.filter(narrowing.has) }),
        };
      }),
    );
    const live = new Set(tokens.filter(({ state }) => state === "valid").map(({ id }) => id));
    const sessions = (await parts.sessions.list())
      // A login at another issuer is in no list of ours.
      .filter(({ expiresAt, tokenId }) => expiresAt > now && (live.has(tokenId) || !names.has(tokenId)))
      .map(({ id, tokenId, subject, door, client, createdAt, expiresAt }) => ({
        ...{
          id: id.slice(0, shown),
          subject,
          token: names.get(tokenId) ?? tokenId,
          door,
          client,
          own: id.slice(0, shown) === caller.session,
        },
        ...{ createdAt: toTime(createdAt), expiresAt: toTime(expiresAt) },
      }));
    return { tokens: tokens.toReversed(), sessions: sessions.toReversed() };
  },

  async "console.revoke"({ parts, params }) {
    if (params.session !== undefined) {
      const wanted = textOf(params, "session");
      const found = (await parts.sessions.list()).find(({ id }) => id.slice(0, shown) === wanted);
      if (!found) throw new CallError("NOT_FOUND", "There is no such session any more.");
      await parts.sessions.remove(found.id);
      parts.vigil.recheck();
      return {};
    }
    const id = textOf(params, "token");
    const record = await parts.tokens.find(id);
    if (record?.owner)
      throw new CallError("INVALID_PARAMS", "The owner's own token is not ended from here.", {
        details: { at: "token", next: `portcullis token revoke ${record.name}` },
      });
    // By its id: a name could be another's by now.
    if (!record || !(await parts.tokens.revoke(record.id, parts.now())))
      throw new CallError("NOT_FOUND", "There is no such token that is still valid.");
    return {};
  },

  async "console.health"({ parts }) {
    const fault = parts.audit.fault();
    const faults = [...(fault === undefined ? [] : [`The audit cannot be written: ${fault}`]), ...parts.faults()];
    const head = (await parts.audit.head())?.seq ?? 0;
    return { live: true, ready: faults.length === 0, faults, warnings: parts.warnings(), version: parts.version, head };
  },

  "console.follow": followAudit,
};

const wrong = (at: string): CallError =>
  new CallError("INVALID_PARAMS", `The parameter ${at} is wrong.`, { details: { at } });

function textOf(params: Readonly<Record<string, unknown>>, name: string): string {
  const value = params[name];
  if (typeof value === "string" && value !== "" && value.length <= 200) return value;
  throw wrong(name);
}

const toTime = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function toFilter(params: Readonly<Record<string, unknown>>): (record: AuditRecord) => boolean {
  const checks: ((record: AuditRecord) => boolean)[] = [];
  const given = (name: string): string | undefined => (params[name] === undefined ? undefined : textOf(params, name));
  const [subject, tool, code, resource] = [given("subject"), given("tool"), given("code"), given("resource")];
  if (subject !== undefined) checks.push((record) => record.subject === subject);
  if (code !== undefined) checks.push((record) => record.outcome === code);
  if (resource !== undefined) checks.push(({ resources }) => resources?.some((uri) => uri.includes(resource)) === true);
  if (tool === undefined) checks.push((record) => !isLooking(record));
  else {
    const start = tool.endsWith("*") ? tool.slice(0, -1) : undefined;
    checks.push((record) => {
      const name = record.tool ?? record.method ?? "";
      return start === undefined ? name === tool : name.startsWith(start);
    });
  }
  return (record) => checks.every((check) => check(record));
}
