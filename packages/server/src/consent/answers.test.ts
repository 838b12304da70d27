import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CallError } from "@portcullis/contracts";
import { describe, expect, test } from "vitest";
import type { ConsentRequest } from "../stores/consent-store.ts";
import { toCallHash, toQuestionHash } from "./call-hash.ts";
import { toChoice } from "./choice.ts";
import { lookInto } from "./folder-contents.ts";
import { narrow } from "./narrow.ts";
import { offersOf } from "./offers.ts";
import { createSeal } from "./seal.ts";
import { toGrant } from "./to-grant.ts";
import { toConsentResource } from "./to-resources.ts";

const places = {
  home: "/home/duck",
  served: [
    { name: "notes", path: "/srv/no[t]es" },
    { name: "more", path: "/more" },
  ],
};
const file = toConsentResource({ kind: "path", path: "/more/plans/a*.md" }, "read", places);

const request = (more: Partial<ConsentRequest> = {}): ConsentRequest => ({
  ...{ id: "R", question: "q", subject: "duck", client: "token", clientName: null, agent: null },
  ...{ tool: "fs.readFile", effect: "read", egress: false, args: "{}", call: "call" },
  resources: file ? [file] : [],
  ...{ reason: "no_allow", purpose: null, door: "http", auditId: "A", createdAt: 0, expiresAt: 600_000 },
  ...{ state: "open", times: 1, further: 0, answer: null },
  ...more,
});
const facts = { id: "G", by: "owner, cli", now: 1_000, onceMs: 300_000, places };

describe("a call's hash", () => {
  test("is of its arguments, whatever their order, and of nothing less", () => {
    const hash = toCallHash("fs.readFile", { path: "a", range: { start: 1, end: 2 } });
    expect(toCallHash("fs.readFile", { range: { end: 2, start: 1 }, path: "a" })).toBe(hash);
    for (const [tool, args] of [
      ["fs.stat", { path: "a", range: { start: 1, end: 2 } }],
      ["fs.readFile", { path: "a ", range: { start: 1, end: 2 } }],
      ["fs.readFile", { path: "a", range: { start: "1", end: 2 } }],
      ["fs.readFile", JSON.parse('{"path":"a","range":{"start":1,"end":2},"__proto__":{"x":1}}')],
      ["fs.readFile", { path: "a" }],
    ] as const)
      expect(toCallHash(tool, args)).not.toBe(hash);
    expect(toQuestionHash("a", "bc", hash)).not.toBe(toQuestionHash("ab", "c", hash));
  });
});

describe("what a denied call touches", () => {
  test("is written out, with its folder for what reads", () => {
    expect(file).toMatchObject({ patterns: ["/more/plans/a\\*.md"], folder: "/more/plans" });
    expect(toConsentResource({ kind: "path", path: "/more/plans", collection: true }, "read", places)).toMatchObject({
      patterns: ["/more/plans/**"],
    });
    expect(toConsentResource({ kind: "index", name: "served", collection: true }, "read", places)).toMatchObject({
      patterns: ["/srv/no\\[t\\]es/**", "/more/**"],
    });
    expect(toConsentResource({ kind: "path", path: "/a/b" }, "write", places)).not.toHaveProperty("folder");
    expect(toConsentResource({ kind: "path", path: "/a" }, "read", places)).not.toHaveProperty("folder");
    expect(
      toConsentResource({ kind: "url", href: "https://a.test/b?c=d", method: "POST" }, "send", places),
    ).toMatchObject({
      patterns: ["https://a.test/b?c=d"],
      method: "POST",
    });
    expect(toConsentResource({ kind: "path", path: "/a/../b" }, "read", places)).toBeUndefined();
    expect(
      toConsentResource({ kind: "index", name: "served", collection: true }, "read", { home: "", served: [] }),
    ).toBeUndefined();
  });
});

describe("offers and grants", () => {
  test("go from the smallest up, and a folder is offered only to what reads", () => {
    expect(offersOf(request()).map(({ name }) => name)).toEqual([
      "once",
      "hour",
      "folder-hour",
      "day",
      "always",
      "never",
    ]);
    const writes = toConsentResource({ kind: "path", path: "/more/plans/a" }, "write", places);
    const names = offersOf(request({ effect: "write", resources: writes ? [writes] : [] })).map(({ name }) => name);
    expect(names).not.toContain("folder-hour");
  });

  test("of one call hold exactly that call for a while, of a time their resource", () => {
    expect(toGrant(request(), { answer: "allow", for: "once" }, facts)).toMatchObject({
      call: "call",
      expiresAt: 301_000,
      patterns: ["/more/plans/a\\*.md"],
    });
    expect(toGrant(request(), { answer: "allow", for: 5_000, folder: true }, facts)).toMatchObject({
      call: null,
      expiresAt: 6_000,
      patterns: ["/more/plans/**"],
    });
    expect(toGrant(request(), { answer: "allow", for: "always", purpose: " p " }, facts)).toMatchObject({
      call: null,
      expiresAt: null,
      purpose: "p",
    });
    expect(toGrant(request(), { answer: "never" }, facts)).toMatchObject({ effect: "never", expiresAt: null });
    expect(toGrant(request(), { answer: "deny" }, facts)).toBeUndefined();
  });

  test.each([
    { answer: "allow", for: 999 },
    { answer: "allow", for: 1e15 },
    { answer: "allow", for: Number.NaN },
    { answer: "allow", for: 1_500.5 },
    { answer: "allow", for: "once", purpose: " " },
    { answer: "allow", for: "once", purpose: "x".repeat(501) },
    { answer: "allow", for: "once", resource: "/more/plans/**" },
    { answer: "allow", for: "once", folder: true, resource: "/more/**" },
    { answer: "allow", for: "once", folder: true, resource: "/more/*/a.md" },
    { answer: "allow", for: "once", folder: true, resource: "/more/plans/../../etc/**" },
    { answer: "allow", for: "once", resource: "https://a.test/**" },
    { answer: "allow", for: "once", folder: true, resource: "@none/**" },
  ] as const)("are refused for %j", (choice) => {
    expect(() => toGrant(request(), choice, facts)).toThrow(CallError);
  });

  test("never widen: a narrower pattern lies in what was offered", () => {
    const within = ["/more/**", "/srv/no\\[t\\]es/**"];
    expect(narrow("@more/plans/*.md", within, places)).toEqual(["/more/plans/*.md"]);
    expect(narrow("@notes/**", within, places)).toEqual(["/srv/no\\[t\\]es/**"]);
    expect(narrow("@served/plans/**", within, places)).toEqual(["/srv/no\\[t\\]es/plans/**", "/more/plans/**"]);
    for (const outside of ["/**", "/mor*/**", "/moreover/**", "~/**", "/srv/note/**", "https://a.test/"])
      expect(narrow(outside, within, places), outside).toBeUndefined();
  });

  test("are read from what was sent, and nothing else is taken for a yes", () => {
    expect(toChoice({ answer: "allow" })).toEqual({ answer: "allow", for: "once" });
    for (const asked of [
      {},
      { answer: true },
      { answer: "Allow" },
      { answer: "deny", for: "once" },
      { answer: "never", folder: false },
      { answer: "allow", for: "forever" },
      { answer: "allow", folder: "yes" },
      { answer: "allow", resource: 1 },
    ])
      expect(() => toChoice(asked), JSON.stringify(asked)).toThrow(CallError);
  });
});

describe("a sealed state", () => {
  const sealed = { request: "R", subject: "duck", client: "token", call: "call", expiresAt: 1_000 };
  test("opens for its seal, in time, and not when a character of it has changed", () => {
    const seal = createSeal();
    const text = seal.close(sealed);
    expect(text).not.toContain("duck");
    expect(seal.open(text, 999)).toEqual(sealed);
    expect(seal.open(text, 1_000)).toBeUndefined();
    expect(createSeal().open(text, 0)).toBeUndefined();
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      expect(seal.open(changed, 0), `at ${at}`).toBeUndefined();
    }
    for (const bad of ["", "A", text.slice(1), `${text}A`, `${text}=`, "x".repeat(100_000)])
      expect(seal.open(bad, 0)).toBeUndefined();
  });
});

test("a look into a folder counts its files, names secrets, follows no link, and says when it saw not all", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-look-"));
  try {
    mkdirSync(join(folder, "deep"));
    for (const name of ["a.md", "deep/b.md", "deep/.env"]) writeFileSync(join(folder, name), "");
    symlinkSync("/", join(folder, "root"));
    const sounds = (path: string): boolean => path.endsWith(".env");
    expect(await lookInto(folder, sounds)).toEqual({ files: 3, secrets: [join(folder, "deep/.env")], whole: true });
    expect(await lookInto(join(folder, "none"), sounds)).toEqual({ files: 0, secrets: [], whole: false });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
