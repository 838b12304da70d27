import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { compilePolicy } from "./compile.ts";
import { defaultPolicy } from "./default-policy.ts";
import { policySchemaText, toPolicySchema } from "./schema.ts";

const runs = Number(process.env.PORTCULLIS_POLICY_RUNS ?? 1_500);
const accepts = new Ajv2020({ allErrors: false, strictTypes: false }).compile(toPolicySchema());

/** What only the loader can know, by the words of its faults. */
const beyondSchema = [
  /^There is no group named/,
  /^No served folder is named/,
  /has this id too/,
  /^Here belongs a date/,
  /\*\* has to stand alone|`\*\*` has to stand alone/,
  /^Extended globs|has no meaning in a pattern/,
  /^A pattern has no (\.|empty)/,
  /^After the scheme stand|is no host|In a host|A host /,
];

const segment = fc.constantFrom(
  "a",
  "b c",
  "*",
  "**",
  "?.md",
  ".x",
  "\\[id\\]",
  "\u00e9",
  "a**",
  "{a,b}",
  "..",
  "",
  "@(a)",
);
const tail = fc.array(segment, { maxLength: 3 }).map((parts) => parts.join("/"));
const path = fc
  .tuple(fc.constantFrom("/", "~/", "@served/", "@v/", "@w/", "**/", "a/", "", "~", "~x/", "file:///"), tail)
  .map(([head, rest]) => `${head}${rest}`);
const url = fc.constantFrom(
  "https://a.test/**",
  "HTTP://*.a.test:*/x",
  "https://u@a.test/",
  "https://a.test/#x",
  "ftp://a.test/",
  "https://a b/",
  "https://[::1]/",
  "https://a.test\\x",
  "https://a.test?q=*",
);
const pattern = fc.oneof(path, path, url, fc.constantFrom("**", "", "x\u0000y", "/a\nb"));
const name = fc.constantFrom(
  "owner",
  "duck@home",
  "*",
  "*@home",
  "a@@b",
  "@a",
  "a b",
  "a\\b",
  "a[b]",
  "a**",
  "+(a)",
  "group:staff",
  "group:none",
  "@(b)",
  "fs.*",
  "fs..x",
  ".fs",
  "",
);
const junk = fc.constantFrom<unknown>(1, true, null, {}, [], "x", [""]);
/** Nearly always good: one document has few faults, so that each has its say. */
const mostly = <G, B>(fine: fc.Arbitrary<G>, bad: fc.Arbitrary<B>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fine as fc.Arbitrary<unknown>, weight: 30 },
    { arbitrary: bad as fc.Arbitrary<unknown>, weight: 1 },
  );
const needed = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  mostly(value, fc.oneof(junk, fc.constant(undefined)));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: mostly(value, junk), weight: 1 });
const texts = <T>(inner: fc.Arbitrary<T>) => fc.array(inner, { minLength: 1, maxLength: 2 });
const oneOrMore = <T>(inner: fc.Arbitrary<T>) => fc.oneof(inner, texts(inner));
const among = (...fine: readonly string[]) => fc.constantFrom(...fine);
const goodPattern = among("/a/**", "@served/x", "~", "https://a.test/**", "/b c/?.md");
const date = mostly(among("2027-01-31", "2027-01-31T10:00Z"), among("2027-02-31", "2027-01-31T10:00", "soon"));

const scope = fc.record({
  id: maybe(mostly(among("one", "two"), among("a b", "x".repeat(65)))),
  tool: needed(oneOrMore(mostly(among("fs.*", "*", "http.fetch"), name))),
  allow: needed(texts(mostly(goodPattern, pattern))),
  deny: maybe(texts(mostly(fc.oneof(goodPattern, among("**", "**/.env*")), pattern))),
  methods: maybe(texts(mostly(among("POST", "GET"), among("post")))),
  rate: maybe(
    mostly(
      fc.constantFrom({ perMinute: 1 }, { perMinute: 0.5, burst: 1 }),
      fc.constantFrom({ perMinute: 0 }, { perMinute: 2e6 }, { perMinute: 1, burst: 1.5 }, { burst: 1 }, {}),
    ),
  ),
  maxBytes: maybe(mostly(fc.constant(1), fc.constantFrom(0, 1.5))),
  purposes: maybe(texts(among("x*", "read"))),
  expires: maybe(date),
  labels: maybe(mostly(fc.constantFrom({ private: "health" }, { untrusted: true }), fc.constant({ colour: "red" }))),
  consent: maybe(mostly(among("ask"), among("never"))),
  hardlinks: maybe(mostly(among("allow"), among("deny"))),
  alow: mostly(fc.constant(undefined), fc.constant(["/a"])),
});
const scopes = fc.uniqueArray(scope, { minLength: 1, maxLength: 2, selector: ({ id }) => id ?? {} });
const document = fc.record({
  subject: needed(oneOrMore(mostly(among("owner", "*@home", "a@b"), name))),
  groups: maybe(
    fc.dictionary(
      mostly(among("staff"), among("a b", "")) as fc.Arbitrary<string>,
      texts(mostly(among("a", "*@b"), name)),
      {
        maxKeys: 2,
      },
    ),
  ),
  purpose: maybe(mostly(among("required", "stated", "optional"), among("none"))),
  expires: maybe(date),
  description: maybe(among("x")),
  scopes: needed(scopes),
});

test("the schema accepts what the loader accepts, and refuses what it refuses but for what only the loader can know", () => {
  const seen = { accepted: 0, refused: 0, beyond: 0 };
  fc.assert(
    fc.property(document, (drawn) => {
      const value = JSON.parse(JSON.stringify(drawn)) as Record<string, unknown>;
      const { policy, faults } = compilePolicy([{ path: "p.yaml", text: JSON.stringify(value) }], {
        home: "/h",
        served: [{ name: "v", path: "/s/v" }],
      });
      const schema = accepts(value);
      if (policy) {
        expect(schema, JSON.stringify(accepts.errors)).toBe(true);
        seen.accepted += 1;
      } else if (faults.every(({ message }) => beyondSchema.some((known) => known.test(message)))) seen.beyond += 1;
      else {
        expect(schema, faults.map(({ message }) => message).join("\n")).toBe(false);
        seen.refused += 1;
      }
    }),
    { numRuns: runs },
  );
  // Each kind was really met.
  for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(runs / 50);
});

test("the default policy fits the schema", () => {
  for (const one of parseAllDocuments(defaultPolicy()))
    expect(accepts(one.toJS()), JSON.stringify(accepts.errors)).toBe(true);
});

test("docs/policy.schema.json is the schema; -u writes it anew", async () => {
  await expect(policySchemaText()).toMatchFileSnapshot("../../../../docs/policy.schema.json");
});
