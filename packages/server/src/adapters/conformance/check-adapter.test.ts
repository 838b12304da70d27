import { once } from "node:events";
import { createServer } from "node:net";
import { CallError, type Resource } from "@portcullis/contracts";
import { expect, test } from "vitest";
import { type ModuleTool, toAdapter } from "../module.ts";
import { type Case, checkAdapter } from "./check-adapter.ts";

interface Answer {
  readonly names: readonly string[];
}

const page = (name: string): Resource => ({ kind: "url", href: `https://example.org/${name}`, method: "GET" });

const good: ModuleTool<{ readonly word: string }, Answer> = {
  name: "books.find",
  title: "Find a book",
  summary: "Finds books.",
  safety: "Reads a list.",
  effect: "read",
  labels: { private: "books" },
  input: {
    type: "object",
    properties: { word: { type: "string" } },
    required: ["word"],
    additionalProperties: false,
  },
  output: {
    type: "object",
    properties: { names: { type: "array", items: { type: "string" } } },
    required: ["names"],
    additionalProperties: false,
  },
  touches: () => [{ kind: "path", path: "/srv/books" }],
  async run({ word }, { signal }) {
    signal.throwIfAborted();
    if (word === "none") throw new CallError("NOT_FOUND", "No such book.", { details: { next: "Try another word." } });
    return { names: [page(`${word}-one`), page(`${word}-two`)].map((one) => (one.kind === "url" ? one.href : "")) };
  },
  filter: ({ names }, allows) => ({ names: names.filter((href) => allows({ kind: "url", href, method: "GET" })) }),
};

const cases: readonly Case[] = [
  { tool: "books.find", args: { word: "moon" }, expect: "answer" },
  { tool: "books.find", args: { word: "none" }, expect: "NOT_FOUND" },
  { tool: "books.find", args: { word: 7 }, expect: "VALIDATION_ERROR" },
];

const check = async (change: object = {}, more: object = {}): Promise<readonly string[]> => {
  const adapter = toAdapter("books", { tools: () => [{ ...good, ...change }], ...more });
  const findings = await checkAdapter(adapter, cases);
  return findings.filter(({ wrong }) => wrong !== undefined).map((one) => `${one.check}: ${one.wrong}`);
};

test("an adapter that keeps to everything has nothing said against it", async () => {
  expect(await check()).toEqual([]);
});

test.each<[string, object, RegExp]>([
  ["touches nothing", { touches: () => [] }, /touches something/],
  ["touches a path with ..", { touches: () => [{ kind: "path", path: "/srv/../etc" }] }, /canonical: \/srv\/\.\.\/etc/],
  ["touches a relative path", { touches: () => [{ kind: "path", path: "books" }] }, /canonical/],
  [
    "touches a URL that the parser would write otherwise",
    { touches: () => [{ kind: "url", href: "HTTP://example.org", method: "get" }] },
    /canonical/,
  ],
  [
    "touches something else each time",
    { touches: () => [{ kind: "path", path: `/srv/${Math.random()}` }] },
    /the same each time/,
  ],
  ["answers against its schema", { run: async () => ({ names: [7] }) }, /keeps to its schema/],
  ["shows what is hidden", { filter: (answer: Answer) => answer }, /filter asks about items: of no answer/],
  [
    "asks and shows what is hidden",
    {
      filter(answer: Answer, allows: (one: Resource) => boolean) {
        for (const href of answer.names) allows({ kind: "url", href, method: "GET" });
        return answer;
      },
    },
    /hides are dropped: https:.*moon-one/,
  ],
  [
    "throws what tells a caller nothing",
    {
      run: async () => {
        throw new Error("oops");
      },
    },
    /no CallError/,
  ],
  [
    "refuses without a next step",
    {
      run: async () => {
        throw new CallError("NOT_FOUND", "No.");
      },
    },
    /details\.next/,
  ],
  [
    "does not hear its signal",
    {
      run: ({ word }: { word: string }, { signal }: { signal: AbortSignal }) =>
        signal.aborted
          ? new Promise(() => {})
          : good.run({ word } as never, { signal, permit: undefined as never, progress: () => {} }),
    },
    /ends soon after its signal: it went on/,
  ],
  ["has a schema that is none", { output: { type: "object", additionalProperties: false, required: 7 } }, /compiles/],
  ["has labels of its own making", { labels: { secret: true } }, /labels are labels/],
])("an adapter that %s is told so", async (_, change, told) => {
  expect((await check(change)).join("\n")).toMatch(told);
});

test("what asks about more on the way has to keep back what it may not have", async () => {
  const leaky = {
    filter: undefined,
    async run(_: unknown, { permit }: { permit: { allows(resource: Resource): boolean } }) {
      permit.allows(page("hidden"));
      return { names: ["https://example.org/hidden"] };
    },
  };
  expect((await check(leaky)).join("\n")).toMatch(/may not have is dropped/);
});

test("what is left open is told", async () => {
  const server = createServer();
  const start = async (): Promise<void> => {
    await once(server.listen(0, "127.0.0.1"), "listening");
  };
  const wrong = await check({}, { start });
  server.close();
  expect(wrong.join("\n")).toMatch(/left open: TCPServerWrap/);
});

test.each<[string, unknown, RegExp]>([
  ["nothing", undefined, /no adapter/],
  ["tools that are no list", { tools: () => 7 }, /no list/],
  ["a tool under another's name", { tools: () => [{ ...good, name: "fs.find" }] }, /begin with "books\."/],
  ["a tool of two lines", { tools: () => [{ ...good, summary: "a\nb" }] }, /summary/],
  ["a tool without an effect", { tools: () => [{ ...good, effect: "none" }] }, /effect/],
  ["a tool whose input is open", { tools: () => [{ ...good, input: { type: "object" } }] }, /closed object/],
  ["a tool that cannot run", { tools: () => [{ ...good, run: 7 }] }, /run is a function/],
])("a module that makes %s is refused", (_, made, told) => {
  expect(() => toAdapter("books", made)).toThrow(told);
});
