import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePatterns } from "./patterns.ts";
import { createRedactor } from "./redactor.ts";
import { toMask, withheld } from "./spans.ts";

// Look-alikes, put together here so that no scanner takes this file for a leak.
const body = "w8Zk3TqY5nB1xR7mV4cJ9sL2pD6fH0gA8uE3";
const github = `${"gh"}p_${body}`;
const aws = `${"AK"}IA${"Z7QK3MWTB5XR2VDN"}`;
const slack = `${"xo"}xb-781236542736-2364535789652-GkwFDQoHqzXDVsC6GzqYUypD`;
const dashes = "-".repeat(5);
const pem = `${dashes}BEGIN RSA PRIVATE KEY${dashes}\n${`${body}\n`.repeat(6)}${dashes}END RSA PRIVATE KEY${dashes}`;
const redactor = createRedactor();
const scrub = (value: unknown): unknown => redactor.scrub(value).value;

/** Whether eight characters of the secret can be read in what is left, in any of the usual writings. */
function leaks(value: unknown, secret: string): boolean {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours are what it removes
  const views = [text, text.replace(/[\u200b\u00ad]|\u001b\[\d*m|<\/?em>|=?\r?\n/g, "")];
  for (const [token] of text.matchAll(/[A-Za-z0-9+/_-]{12,}/g)) {
    views.push(Buffer.from(token, "base64").toString("latin1"), Buffer.from(token, "hex").toString("latin1"));
  }
  views.push(
    text.replace(/%([0-9a-f]{2})|&#(\d+);|\\+u([0-9a-f]{4})/gi, (_, a, b, c) =>
      String.fromCharCode(b ? Number(b) : Number.parseInt(a ?? c, 16)),
    ),
  );
  for (let at = 0; at + 8 <= secret.length; at++)
    if (views.some((view) => view.includes(secret.slice(at, at + 8)))) return true;
  return false;
}

const each = (text: string, write: (code: string, character: string) => string): string =>
  [...text].map((character) => write(character.charCodeAt(0).toString(16).padStart(2, "0"), character)).join("");

const carriers: Readonly<Record<string, (secret: string) => unknown>> = {
  text: (s) => ({ content: [{ type: "text", text: `result: ${s} done` }] }),
  key: (s) => ({ structuredContent: { [s]: 1 } }),
  "JSON in a string, twice": (s) => JSON.stringify({ a: JSON.stringify({ b: s }) }),
  "unicode escapes": (s) => `{"a":"${each(s, (code) => `\\u00${code}`)}"}`,
  base64: (s) => `Authorization: Basic ${Buffer.from(`user:${s}`).toString("base64")}`,
  "base64 of base64": (s) => Buffer.from(Buffer.from(`k=${s}`).toString("base64")).toString("base64"),
  base64url: (s) => `v=${Buffer.from(`token=${s}`).toString("base64url")}`,
  "base64 with bytes that are no text": (s) =>
    Buffer.concat([Buffer.from([0x89, 80, 78, 71, 0, 255, 200]), Buffer.from(`tEXt${s}`)]).toString("base64"),
  hex: (s) => Buffer.from(s).toString("hex"),
  percent: (s) => `https://host.example/?k=${each(s, (code) => `%${code}`)}`,
  entities: (s) => each(s, (code) => `&#${Number.parseInt(code, 16)};`),
  "zero width": (s) => [...s].join("\u200b"),
  "soft hyphens": (s) => s.replace(/(.{5})/g, "$1\u00ad"),
  "terminal colours": (s) => s.replace(/(.{8})/g, "$1\u001b[0m\u001b[31m"),
  "highlight tags": (s) => `${s.slice(0, 6)}<em>${s.slice(6, 13)}</em>${s.slice(13)}`,
  "a line break": (s) => `${s.slice(0, 20)}\n${s.slice(20)}`,
  "quoted-printable": (s) => s.replace(/(.{20})/g, "$1=\r\n"),
  "two items": (s) => [
    { type: "text", text: `a ${s.slice(0, 20)}` },
    { type: "text", text: `${s.slice(20)} b` },
  ],
  "many strings": (s) => ["x ", ...s, " y"],
  "a URL's userinfo": (s) => `origin\thttps://u:${s}@github.com/a/b.git (fetch)`,
  "full-width letters": (s) => each(s, (_, c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
};

describe("what leaves the server", () => {
  for (const [name, carry] of Object.entries(carriers)) {
    it(`holds no secret that ${name} carries`, () => {
      for (const secret of [github, slack]) expect(leaks(scrub(carry(secret)), secret), secret).toBe(false);
    });
  }

  it("tells the kind of each secret and nothing of its value", () => {
    expect(redactor.scrub(`id ${aws} and ${github}`)).toEqual({
      value: "id [redacted:aws-access-key] and [redacted:github-token]",
      masked: { "aws-access-key": 1, "github-token": 1 },
    });
  });

  it("masks private keys, also cut off or escaped", () => {
    expect(scrub(`x\n${pem}\ny`)).toBe("x\n[redacted:private-key]\ny");
    expect(leaks(scrub(pem.slice(0, 200)), body)).toBe(false);
    expect(leaks(scrub(JSON.stringify({ note: pem })), body)).toBe(false);
  });

  it("masks what a field's name makes a secret, and leaves counters, flags and schemas", () => {
    expect(scrub({ password: "correct horse 1", headers: { "Set-Cookie": "a=b1c2" } })).toEqual({
      password: toMask("field"),
      headers: { "Set-Cookie": toMask("field") },
    });
    const benign = {
      maxTokens: 5,
      token: false,
      properties: { password: { type: "string" } },
      nextPageToken: "a1B2c3D4e5F6g7H8i9",
    };
    expect(scrub(benign)).toBe(benign);
    expect(scrub([{ name: "DB_PASSWORD", value: "hunter22" }])).toEqual([
      { name: "DB_PASSWORD", value: toMask("field") },
    ]);
  });

  it.each([
    `ACME_API_KEY=${body}`,
    `acmeToken: "${body.toLowerCase()}"`,
    "postgres://app:s3cr3tP4ss@db.example/app",
    "the password is Summer2026!",
    "DB_PASSWORD=hunter22",
    `acme_live_${body}`,
  ])("masks a secret of no known provider: %s", (text) => {
    expect(scrub(text)).not.toBe(text);
  });

  it.each([
    "The token is sent as a header; set your password in the settings.",
    '{"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","auditId":"01JD9ZK3V5QH8W2M4N6P7R9T1X"}',
    "file:///home/u/vault/notes/2026-11-23.md at 2026-11-23T03:27:11.204Z",
    '"integrity": "sha512-vf2jHxv8V1JxTfXg6V6B7dlBWxUmzYJR3lJKGECtCSM5BqBvWhL6wX2CN2lZlvwNCyPjG4PCt5MAK1yV1Xv4fQ=="',
    "commit 3f786850e387550fdab836ed7e6dc881de23001b by dev@example.com",
    "const token = getToken(); const password = req.body.password; API_KEY=$API_KEY",
    "id 123e4567-e89b-12d3-a456-426614174000",
  ])("leaves clean text as it is: %s", (text) => {
    const value = { a: [text, { [text]: 1 }] };
    expect(redactor.scrub(value)).toEqual({ value, masked: {} });
    expect(scrub(value)).toBe(value);
  });

  it("masks known secrets in every writing", () => {
    const value = 'pa"ss/ö wörd?';
    const knowing = createRedactor({ secrets: [{ name: "db", value }] });
    const bytes = Buffer.from(value);
    const written = [
      value,
      JSON.stringify(value),
      encodeURIComponent(value),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
    ];
    for (const before of ["", "a", "ab"])
      written.push(
        Buffer.from(`${before}${value}!`).toString("base64"),
        Buffer.from(`${before}${value}!`).toString("base64url"),
      );
    for (const text of written) expect(knowing.scrub(`x ${text} y`).masked, text).toEqual({ "known-secret": 1 });
  });

  it("masks the whole match of the owner's patterns and those of the call", () => {
    const owned = createRedactor({ patterns: compilePatterns(["project-\\d+"]) });
    expect(owned.scrub("see project-12", compilePatterns(["(?i)SEE"])).value).toBe(
      "[redacted:pattern] [redacted:pattern]",
    );
    expect(owned.scrub({ "project-7": "ok" }).value).toEqual({ "[redacted:pattern]": "ok" });
  });

  it("withholds what would cost too much, and does not pass it", () => {
    expect(scrub({ text: `${"\\u0041".repeat(2_000_000)}${github}` })).toEqual({ text: toMask(withheld) });
  });
});

const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    github,
    aws,
    slack,
    pem,
    "password=",
    "token: ",
    '"',
    "\\",
    "[redacted:",
    "]",
    "=",
    "%41",
    "\n",
    "&#65;",
    "eyJ",
    "://a:b1c2d3@h",
  ),
);
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 4 }),
  ),
})).value;

const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shape)
    : typeof value === "object" && value !== null
      ? Object.values(value).map(shape)
      : typeof value;

describe("scrubbing any value", () => {
  const owned = createRedactor({ patterns: compilePatterns(["red", "[a-c]+\\d"]) });

  it("changes nothing more the second time", () => {
    fc.assert(
      fc.property(json, (value) => {
        for (const some of [redactor, owned]) {
          const once = some.scrub(value).value;
          expect(some.scrub(once).value).toBe(once);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never throws and keeps the shape", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(Object.keys(shape(scrub(value)) ?? {})).toEqual(Object.keys(shape(value) ?? {}));
        expect(shape(scrub(value))).toEqual(shape(value));
      }),
      { numRuns: 300 },
    );
  });
});
