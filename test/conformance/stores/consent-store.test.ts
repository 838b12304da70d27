import { describe, expect, test } from "vitest";
import { type AskedFor, type ConsentGrant, rememberedMs } from "../../../packages/server/src/stores/consent-store.ts";
import { openState } from "../../../packages/server/src/stores/sqlite/open-state.ts";
import { atEnd, enginesOf, makeFolder } from "./engines.ts";

const start = 1_000_000;
const limits = { perSubject: 3, total: 100 };

let made = 0;
const ask = (more: Partial<AskedFor> = {}): AskedFor => {
  const id = `R${String(++made).padStart(6, "0")}`;
  return {
    id,
    question: `question of ${id}`,
    subject: "duck@home",
    client: "token",
    clientName: "a program",
    agent: null,
    tool: "fs.readFile",
    effect: "read",
    egress: false,
    args: '{"path":"a"}',
    call: "call",
    resources: [{ resource: { kind: "path", path: "/notes/ä" }, uri: "file:///notes/%C3%A4", patterns: ["/notes/ä"] }],
    reason: "no_allow",
    purpose: "to see 🦆",
    door: "websocket",
    auditId: `A${id}`,
    createdAt: start,
    expiresAt: start + 600_000,
    ...more,
  };
};
const toGrant = ({ id, subject, client, tool }: AskedFor, more: Partial<ConsentGrant> = {}): ConsentGrant => ({
  id: `G${id}`,
  request: id,
  effect: "allow",
  subject,
  client,
  clientName: null,
  tool,
  patterns: ["/notes/ä"],
  methods: [],
  call: null,
  purpose: null,
  by: "owner, cli",
  createdAt: start,
  expiresAt: start + 1_000,
  ...more,
});
const yes = (grant: string | null, at = start) =>
  ({ at, by: "owner, cli", chose: "allow", grant, state: "allowed" }) as const;
const no = (at = start) => ({ at, by: "owner, cli", chose: "deny", grant: null, state: "denied" }) as const;

describe.each(enginesOf("consent"))("the consent store on $engine", ({ open: consent }) => {
  test("a request is kept as it was asked, and found by its id and by its call", async () => {
    const store = await consent();
    const wanted = ask();
    const kept = { ...wanted, state: "open", times: 1, further: 0, answer: null };
    expect(await store.open(wanted, limits)).toEqual({ kind: "opened", request: kept });
    expect(await store.find(wanted.id)).toEqual(kept);
    expect(await store.findByCall(wanted.auditId)).toEqual(kept);
    expect(await store.find("none")).toBeUndefined();
    expect(await store.findByCall("none")).toBeUndefined();
    expect(await store.listOpen(start)).toEqual([kept]);
    expect(await store.listOpen(wanted.expiresAt)).toEqual([]);
  });

  test("the same question joins the request until it is over, also when it was denied; what was allowed is asked anew", async () => {
    const store = await consent();
    const first = ask({ question: "same" });
    await store.open(first, limits);
    const again = ask({ question: "same", createdAt: start + 1 });
    expect(await store.open(again, limits)).toMatchObject({ kind: "joined", request: { id: first.id, times: 2 } });
    expect(await store.findByCall(again.auditId)).toMatchObject({ id: first.id });
    expect(await store.find(again.id)).toBeUndefined();
    await store.settle(first.id, no(), undefined);
    expect(await store.open(ask({ question: "same" }), limits)).toMatchObject({
      kind: "joined",
      request: { state: "denied", times: 3 },
    });
    const later = ask({ question: "same", createdAt: first.expiresAt, expiresAt: first.expiresAt + 9 });
    expect(await store.open(later, limits)).toMatchObject({ kind: "opened", request: { id: later.id } });
    await store.settle(later.id, yes(null, later.createdAt), undefined);
    expect(await store.open(ask({ ...later, id: "Z", auditId: "AZ" }), limits)).toMatchObject({ kind: "opened" });
  });

  test("no subject has more requests open than the limit, and further calls are counted on its newest", async () => {
    const store = await consent();
    const own = [ask(), ask(), ask()];
    for (const wanted of own) await store.open(wanted, limits);
    expect(await store.open(ask(), limits)).toMatchObject({
      kind: "full",
      limit: "perSubject",
      request: { id: own[2]?.id, further: 1 },
    });
    expect(await store.open(ask({ subject: "cat" }), { perSubject: 3, total: 3 })).toEqual({
      kind: "full",
      limit: "total",
      request: undefined,
    });
    expect(await store.open(ask({ subject: "cat" }), limits)).toMatchObject({ kind: "opened" });
    // Room comes back with an answer and with time.
    await store.settle(own[0]?.id ?? "", no(), undefined);
    expect(await store.open(ask(), limits)).toMatchObject({ kind: "opened" });
    const late = ask({ createdAt: start + 600_000, expiresAt: start + 700_000 });
    expect(await store.open(late, limits)).toMatchObject({ kind: "opened" });
  });

  test("of many askers at once with the same question one request comes", async () => {
    const store = await consent();
    const openings = await Promise.all(Array.from({ length: 32 }, () => store.open(ask({ question: "same" }), limits)));
    expect(openings.filter(({ kind }) => kind === "opened")).toHaveLength(1);
    expect(await store.listOpen(start)).toMatchObject([{ times: 32 }]);
  });

  test("of many answers exactly one counts, with its grant", async () => {
    const store = await consent();
    const wanted = ask();
    await store.open(wanted, limits);
    const settlements = await Promise.all(
      Array.from({ length: 32 }, (_, n) =>
        n % 2 === 0
          ? store.settle(wanted.id, no(), undefined)
          : store.settle(wanted.id, yes(`G${n}`), toGrant(wanted, { id: `G${n}` })),
      ),
    );
    expect(settlements.filter(({ settled }) => settled)).toHaveLength(1);
    const after = await store.find(wanted.id);
    const held = await store.grants(start);
    expect(held.map(({ id }) => id)).toEqual(after?.state === "allowed" ? [after.answer?.grant] : []);
    expect(settlements.every(({ request }) => request?.state === after?.state)).toBe(true);
  });

  test("what is over or unknown cannot be answered", async () => {
    const store = await consent();
    const wanted = ask();
    await store.open(wanted, limits);
    expect(await store.settle(wanted.id, yes("G", wanted.expiresAt), toGrant(wanted))).toMatchObject({
      settled: false,
      request: { state: "open" },
    });
    expect(await store.settle("none", no(), undefined)).toEqual({ settled: false, request: undefined });
    expect(await store.grants(start)).toEqual([]);
  });

  test("a grant of one call is used once, under 64 at once, and marks its request", async () => {
    const store = await consent();
    const wanted = ask();
    await store.open(wanted, limits);
    const grant = toGrant(wanted, { call: "call" });
    await store.settle(wanted.id, yes(grant.id), grant);
    expect(await store.grants(start)).toEqual([grant]);
    const uses = await Promise.all(Array.from({ length: 64 }, () => store.use(grant.id, start)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await store.find(wanted.id)).toMatchObject({ state: "used" });
    expect(await store.grants(start)).toEqual([]);
  });

  test("a grant for a time is not used up, holds for its time, and is withdrawn once", async () => {
    const store = await consent();
    const wanted = ask();
    await store.open(wanted, limits);
    const grant = toGrant(wanted);
    await store.settle(wanted.id, yes(grant.id), grant);
    expect(await store.use(grant.id, start)).toBe(false);
    expect(await store.grants(start + 999)).toEqual([grant]);
    expect(await store.grants(start + 1_000)).toEqual([]);
    expect(await store.withdraw(grant.id, start + 1_000)).toBeUndefined();
    expect(await store.withdraw(grant.id, start)).toEqual(grant);
    expect(await store.withdraw(grant.id, start)).toBeUndefined();
  });

  test("what is over is told once, and forgotten after a month", async () => {
    const store = await consent();
    const [unanswered, answered] = [ask(), ask()];
    for (const wanted of [unanswered, answered]) await store.open(wanted, limits);
    const grant = toGrant(answered);
    await store.settle(answered.id, yes(grant.id), grant);
    expect(await store.expire(start)).toEqual({ requests: [], grants: [] });
    const over = await Promise.all([store.expire(start + 600_000), store.expire(start + 600_000)]);
    expect(over.flatMap(({ requests }) => requests)).toMatchObject([{ id: unanswered.id, state: "expired" }]);
    expect(over.flatMap(({ grants }) => grants)).toEqual([grant]);
    expect(await store.find(unanswered.id)).toMatchObject({ state: "expired" });
    await store.expire(start + 600_001 + rememberedMs);
    expect(await store.find(unanswered.id)).toBeUndefined();
    expect(await store.findByCall(unanswered.auditId)).toBeUndefined();
  });

  test("every change shows in the version, and nothing else does", async () => {
    const store = await consent();
    const wanted = ask();
    const grant = toGrant(wanted);
    const seen = [await store.version()];
    for (const change of [
      () => store.open(wanted, limits),
      () => store.settle(wanted.id, yes(grant.id), grant),
      () => store.withdraw(grant.id, start),
    ]) {
      await change();
      seen.push(await store.version());
    }
    expect(new Set(seen).size).toBe(seen.length);
    await store.find(wanted.id);
    await store.grants(start);
    await store.expire(start);
    expect(await store.version()).toBe(seen.at(-1));
  });
});

test("processes on one data folder see each other's answers at once, use a grant once together, and a restart forgets nothing", async () => {
  const folder = makeFolder();
  const [one, other] = [openState(folder), openState(folder)];
  const wanted = ask();
  const before = await one.consent.version();
  await other.consent.open(wanted, limits);
  expect(await one.consent.version()).not.toBe(before);
  const grant = toGrant(wanted, { call: "call", expiresAt: null });
  const both = await Promise.all([one, other].map(({ consent }) => consent.settle(wanted.id, yes(grant.id), grant)));
  expect(both.filter(({ settled }) => settled)).toHaveLength(1);
  expect(await one.consent.grants(start)).toEqual([grant]);
  one.close();
  const restarted = openState(folder);
  atEnd(() => restarted.close());
  expect(await restarted.consent.grants(start)).toEqual([grant]);
  const uses = Array.from({ length: 64 }, (_, n) => (n % 2 ? restarted : other).consent.use(grant.id, start));
  expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1);
  other.close();
});
