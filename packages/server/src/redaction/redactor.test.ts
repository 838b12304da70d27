import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePatterns } from "./patterns.ts";
import { createRedactor } from "./redactor.ts";
import { maskedSummary } from "./summary.ts";

// Look-alikes are put together here, so that no scanner takes this file for a leak.
const tail = "w8Zk3TqY5nB1xR7mV4cJ9sL2pD6fH0gA8uE3";
const github = `${"gh"}p_${tail}`;
const aws = `${"AK"}IA${"Z7QK3MWTB5XR2VDN"}`;
const slack = `${"xo"}xb-781236542736-2364535789652-GkwFDQoHqzXDVsC6GzqYUypD`;
const unknownVendor = `${"zq"}xv_live_${tail.toLowerCase()}`;
const dashes = "-".repeat(5);
const pem = `${dashes}BEGIN RSA PRIVATE KEY${dashes}\n${`${tail}${tail}\n`.repeat(6)}${dashes}END RSA PRIVATE KEY${dashes}`;
const secrets = { github, aws, slack, unknownVendor };

const control = String.fromCharCode(27);
const { scrub } = createRedactor();
const scrubbed = (value: unknown): unknown => scrub(value).value;
const hex = (text: string): string => Buffer.from(text).toString("hex");
const each = (text: string, write: (code: string) => string): string =>
  [...text].map((character) => write(hex(character))).join("");
const every = (text: string, size: number, between: string): string =>
  (text.match(new RegExp(`.{1,${size}}`, "g")) ?? []).join(between);

/** Every way in which what is left may be read, some steps deep. */
function readings(text: string): ReadonlySet<string> {
  const all = new Set([text]);
  for (const step of [1, 2, 3]) {
    for (const reading of [...all].slice(0, 40 * step)) {
      all.add(reading.replaceAll(control, "").replace(/\[[\d;]+m|[\u200b\u00ad\u2060]|<\/?em>|=?\r?\n/g, ""));
      all.add(reading.normalize("NFKC"));
      for (const [token] of reading.matchAll(/[A-Za-z0-9+_-]{12,}/g))
        all.add(Buffer.from(token, "base64").toString("latin1").replaceAll("\0", ""));
      all.add(
        reading.replace(/\\u00([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{2});/gi, (_, a, b, c) =>
          String.fromCharCode(Number.parseInt(a ?? b ?? c, 16)),
        ),
      );
      for (const [token] of reading.matchAll(/[A-Za-z0-9+/_-]{12,}/g)) {
        all.add(Buffer.from(token, "base64").toString("latin1"));
        all.add(Buffer.from(token, "hex").toString("latin1"));
      }
    }
  }
  return all;
}

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)]);
}

/** Whether eight characters in a row of a secret can be recovered. */
function leaks(value: unknown, secret: string): boolean {
  const strings = stringsOf(value).map((text) => text.replace(/\[redacted:[a-z0-9-]+\]/g, "\u0001"));
  const pieces = Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8));
  return [...strings, strings.join("")].some((text) =>
    [...readings(text)].some((reading) => pieces.some((piece) => reading.includes(piece))),
  );
}

const carriers: Readonly<Record<string, (secret: string) => unknown>> = {
  text: (s) => ({ content: [{ type: "text", text: `result: ${s} done` }] }),
  "a key": (s) => ({ structuredContent: { [s]: 1 } }),
  "JSON in JSON": (s) => JSON.stringify({ a: JSON.stringify({ b: s }) }),
  "unicode escapes": (s) => `{"a":"${each(s, (code) => `\\u00${code}`)}"}`,
  "basic authorization": (s) => `Authorization: Basic ${Buffer.from(`user:${s}`).toString("base64")}`,
  "base64 of base64": (s) => Buffer.from(Buffer.from(`k=${s}`).toString("base64")).toString("base64"),
  "base64 in lines": (s) => every(Buffer.from(`export X=${s}\n`.repeat(4)).toString("base64"), 76, "\n"),
  base64url: (s) => `v=${Buffer.from(`token=${s}`).toString("base64url")}`,
  "base64 behind a path": (s) => `/files/x/${Buffer.from(`key: ${s}`).toString("base64url")}`,
  "an image": (s) =>
    Buffer.concat([Buffer.from([0x89, 80, 78, 71, 0, 255, 200, 1]), Buffer.from(`tEXt${s}`)]).toString("base64"),
  "UTF-16 in base64": (s) => Buffer.from(`k ${s}`, "utf16le").toString("base64"),
  hex: (s) => hex(s),
  percent: (s) => `https://host.example/?k=${each(s, (code) => `%${code}`)}`,
  "percent, twice": (s) => `https://host.example/?k=${each(s, (code) => `%25${code}`)}`,
  entities: (s) => each(s, (code) => `&#x${code};`),
  "zero width": (s) => every(s, 1, "\u200b"),
  "soft hyphens": (s) => every(s, 5, "\u00ad"),
  "terminal colours": (s) => every(s, 8, `${control}[0m${control}[31m`),
  highlights: (s) => `${s.slice(0, 6)}<em>${s.slice(6, 13)}</em>${s.slice(13)}`,
  "quoted-printable": (s) => every(s, 18, "=\r\n"),
  "two items": (s) => [
    { type: "text", text: `a ${s.slice(0, 19)}` },
    { type: "text", text: `${s.slice(19)} b` },
  ],
  "many strings": (s) => ["x ", ...s, " y"],
  "a URL": (s) => `origin\thttps://u:${s}@github.com/a/b.git (fetch)`,
  "full width": (s) => [...s].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join(""),
  "a schema": (s) => ({ properties: { a: { type: "string", default: s, enum: [s] } } }),
  "an error": (s) => ({ error: { message: `401 for ${s}`, data: { stack: `Error: ${s}\n at x` } } }),
};

describe("nothing of a secret can be recovered from", () => {
  for (const [name, carry] of Object.entries(carriers)) {
    test(name, () => {
      for (const [kind, secret] of Object.entries(secrets)) {
        expect(leaks(carry(secret), secret), "the test must see the secret where it is not masked").toBe(true);
        expect(leaks(scrubbed(carry(secret)), secret), kind).toBe(false);
      }
    });
  }
});

test("a mask that stands already is no text to match", () => {
  const text = "a [redacted:jwt] b";
  expect(scrub(text, owners)).toEqual({ value: text, masked: {} });
});

test("the mask tells the kind, and the count its number", () => {
  const { value, masked } = scrub({ a: `id ${aws} and ${github}, ${github}` });
  expect(value).toEqual({ a: "id [redacted:aws-access-key] and [redacted:github-token], [redacted:github-token]" });
  expect(masked).toEqual({ "aws-access-key": 1, "github-token": 2 });
  expect(maskedSummary(masked)).toBe("masked 3 secrets (aws-access-key, github-token)");
  expect(maskedSummary({})).toBeUndefined();
});

describe("by where they stand", () => {
  const password = "zebra-lamp-Qx7";
  test.each([
    ["a private key", `x\n${pem}\ny`, "x\n[redacted:private-key]\ny"],
    ["a private key without its end", `${pem.slice(0, 200)}`, "[redacted:private-key]"],
    ["a private key in JSON", JSON.stringify({ k: pem }), '{"k":"[redacted:private-key]"}'],
    ["a URL's password", `postgres://app:${password}@db/x`, "postgres://[redacted:url-password]@db/x"],
    ["an environment file", `DB_PASSWORD=${password}\nPORT=80`, "DB_PASSWORD=[redacted:password]\nPORT=80"],
    ["a connection string", `Server=a;Password=${password};Port=1`, "Server=a;Password=[redacted:password];Port=1"],
    ["an option", `login --password ${password}`, "login --password [redacted:password]"],
    ["a sentence", `The wifi password is ${password}.`, "The wifi password is [redacted:password]."],
    ["a header", `X-Api-Key: ${tail}`, "X-Api-Key: [redacted:api-key]"],
    [
      "a literal before what it is compared with",
      'if ("kP4)w{z$Lq" === password) {',
      'if ("[redacted:password]" === password) {',
    ],
    ["an angle within a password", "db_pass := r{4k)w$[Tz>Lq-8&v", "db_pass := [redacted:password]"],
    ["an element's end", "<b>password: r{4k)w$[Tz</b>", "<b>password: [redacted:password]</b>"],
    ["a password of signs", 'secret = "q;,!?:*@+~="', 'secret = "[redacted:secret]"'],
    [
      "a name that begins with the word",
      'apikey_billing: "r{4k)w$[Tz>Lq-8&v!("',
      'apikey_billing: "[redacted:secret]"',
    ],
  ])("%s is masked", (_, text, left) => {
    expect(scrubbed(text)).toBe(left);
  });

  test("a field's name is enough", () => {
    expect(
      scrubbed({ password: "x", headers: { authorization: "abc", "set-cookie": ["a"] }, client_secret: "hunter22" }),
    ).toEqual({
      password: "[redacted:password]",
      headers: { authorization: "[redacted:authorization]", "set-cookie": ["a"] },
      client_secret: "[redacted:secret]",
    });
    expect(scrubbed({ env: [{ name: "DB_PASSWORD", value: "open sesame" }], args: ["--token", tail] })).toEqual({
      env: [{ name: "DB_PASSWORD", value: "[redacted:password]" }],
      args: ["--token", "[redacted:token]"],
    });
  });
});

test("what is clean is handed back as it is", () => {
  const clean = {
    tokens: 12,
    token: "identifier",
    password: { type: "string", description: "The user's password." },
    nextPageToken: "CAUQAA",
    items: ["one", "two"],
    content: [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ],
    id: "0f8fad5b-d9cb-469f-a165-70867728950e",
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    text: `commit 83e69762aff047940b376fc2a266d143499ef727
tree 0cf03d32f7d99cf160d5375e8a40fbe3d910d515
"integrity": "sha512-DyFP3BM/3YHTQOCUL/w0OZHR0lpKeGrxotcHWcqNEdnltqFwXVfhEBQ94eIo34AfQpo0rGki4cyIiftY06h2Fg=="
const password = process.env.DB_PASSWORD; const token = await getToken(user);
password: \${PASSWORD}, apiKey: "<your key>", token: string, secretName: "app-secret", "https://example.com/a/b?c=d#e"
if ("identifier" == token || 'admin' !== password) operators = { token: "+-*/%=<>!&|" };`,
  };
  const { value, masked } = scrub(clean);
  expect(value).toBe(clean);
  expect(masked).toEqual({});
});

test("data that is no text is left as it is", () => {
  const bytes = Uint8Array.from({ length: 60_000 }, (_, at) => (at * 7_919 + ((at * at) >> 3)) & 0xff);
  const image = { type: "image", data: Buffer.from(bytes).toString("base64"), mimeType: "image/png" };
  expect(scrub(image).value).toBe(image);
});

const rubble = fc.oneof(
  fc.constantFrom(
    github,
    aws,
    slack,
    tail,
    pem,
    "password=",
    "token: ",
    '"',
    "\n",
    "\\n",
    "%41",
    "&amp;",
    "<b>",
    "=\r\n",
    "[redacted:x]",
    "://u:",
    "@h",
  ),
  fc.string({ maxLength: 12 }),
);
const anyText = fc.array(rubble, { maxLength: 10 }).map((parts) => parts.join(""));
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    anyText,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie("list"),
    tie("record"),
  ),
  list: fc.array(tie("value"), { maxLength: 4 }),
  record: fc.dictionary(
    fc.oneof(anyText, fc.constantFrom("password", "text", "value", "name", "__proto__")),
    tie("value"),
    { maxKeys: 4 },
  ),
})).value;
const owners = compilePatterns(["(?i)[a-z]{3,}", "redacted:\\w"]);

test("scrubbing twice changes nothing more", () => {
  fc.assert(
    fc.property(anyJson, fc.boolean(), (value, owned) => {
      const extra = owned ? owners : undefined;
      const once = scrub(value, extra).value;
      expect(scrub(once, extra)).toEqual({ value: once, masked: {} });
    }),
    { numRuns: Number(process.env.RUNS ?? 400) },
  );
});

test("the shape of the JSON stays", () => {
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shape);
    if (typeof value === "object" && value !== null)
      return Object.keys(value).map((key) => shape((value as Record<string, unknown>)[key]));
    return typeof value;
  };
  fc.assert(
    fc.property(anyJson, (value) => {
      expect(shape(scrub(value).value)).toEqual(shape(value));
    }),
    { numRuns: Number(process.env.RUNS ?? 400) },
  );
});

test("what cannot be judged is withheld, never passed and never thrown", () => {
  const costly = "password=".repeat(200_000);
  expect(scrub({ costly, kept: 1 }).value).toEqual({ costly: "[redacted:withheld]", kept: 1 });
  let deep: unknown = github;
  for (let level = 0; level < 5_000; level++) deep = [deep];
  expect(JSON.stringify(scrub(deep).value)).toContain("[redacted:withheld]");
  const trap = {
    get a(): string {
      throw new Error("no");
    },
  };
  expect(scrub({ trap }).value).toEqual({ trap: "[redacted:withheld]" });
});
