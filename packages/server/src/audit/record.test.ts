import fc from "fast-check";
import { expect, test } from "vitest";
import { genesis, linkHash } from "./chain.ts";
import { type AuditDraft, maxRecordBytes, parseRecord, placeRecord, sealRecord } from "./record.ts";

const draft: AuditDraft = { kind: "call", id: "01J", at: "2026-11-23T10:00:00.000Z", boot: "boot", outcome: "ok" };
const seal = (more: Partial<AuditDraft>): string => placeRecord(sealRecord({ ...draft, ...more }), 7, genesis);

test("the order of the keys never hangs on how a draft was built", () => {
  const body = seal({ scope: null, subject: "duck@home", args: { b: 1, a: 2 } });
  const shuffled = { outcome: "ok", args: { b: 1, a: 2 }, boot: "boot", scope: null, subject: "duck@home" } as const;
  expect(placeRecord(sealRecord({ ...shuffled, at: draft.at, id: "01J", kind: "call" }), 7, genesis)).toBe(body);
  expect(body).toBe(
    `{"seq":7,"previous":"${genesis}","kind":"call","id":"01J","at":"2026-11-23T10:00:00.000Z","boot":"boot",` +
      `"subject":"duck@home","args":{"b":1,"a":2},"scope":null,"outcome":"ok"}`,
  );
});

test("a record reads back as it was drafted, whatever its texts hold", () => {
  const values = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constant("\uFFFD\u0000\u2028"),
  );
  fc.assert(
    fc.property(values, fc.jsonValue(), (subject, args) => {
      const body = seal({ subject, args });
      expect(parseRecord(body)).toEqual({
        seq: 7,
        previous: genesis,
        ...draft,
        subject,
        args: JSON.parse(JSON.stringify(args)),
      });
      expect(body).not.toContain("\uFFFD");
      expect(Buffer.from(body, "utf8").toString("utf8")).toBe(body);
    }),
  );
});

test.each([
  ["long arguments", { args: { text: "é".repeat(200_000) } }],
  ["many resources", { resources: Array.from({ length: 5_000 }, (_, n) => `file:///home/duck/${n}`) }],
  [
    "long texts everywhere",
    {
      client: { name: "n".repeat(90_000) },
      agent: "ß".repeat(90_000),
      purpose: { text: "p".repeat(90_000), stated: true },
    },
  ],
  ["many masks", { masks: Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`kind-${n}`, n])) }],
])("%s are shortened, and the record is kept", (_what, more) => {
  const body = seal(more);
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(maxRecordBytes);
  expect(parseRecord(body)).toMatchObject({ ...draft, seq: 7 });
});

test("arguments too long to keep are told by size and hash", () => {
  const omitted = { bytes: 100_011, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
  expect(parseRecord(seal({ args: { text: "x".repeat(100_000) } })).args).toEqual({ omitted });
});

test("the hash covers a zero byte, the hash before and the body", () => {
  // Computed with: printf '\0' + 32 zero bytes + 'body' | sha256sum
  expect(linkHash(genesis, "body")).toBe("fb873bbca0474f882b2c7159a550205104b44ccbf673b5d63b611cd15daff75c");
  expect(() => linkHash("00", "body")).toThrow(TypeError);
  expect(linkHash(genesis, "🦆".repeat(400_000))).not.toBe(linkHash(genesis, "🦆".repeat(399_999)));
});

test("an outcome closes the intent of its id, of a call and of another method alike", () => {
  expect(sealRecord({ ...draft, kind: "intent" })).toMatchObject({ opens: "01J" });
  for (const kind of ["call", "method"] as const)
    expect(sealRecord({ ...draft, kind })).toMatchObject({ closes: "01J" });
  expect(sealRecord({ ...draft, kind: "system" })).not.toHaveProperty("closes");
});
