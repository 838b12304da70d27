import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { CallError, type Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Permit, Tool } from "../adapter.ts";
import { createFsAdapter } from "./create-fs-adapter.ts";
import type { GrepLimits } from "./grep.ts";
import { createLineSearch } from "./grep-lines.ts";
import type { GrepInput, GrepOutput } from "./schemas.ts";

let base: string;
let root: string;
let adapter: ReturnType<typeof createFsAdapter>;

const generous: GrepLimits = { seen: 10_000, bytes: 1e8, fileBytes: 1e6, milliseconds: 60_000 };

const serve = (grep = generous): ReturnType<typeof createFsAdapter> =>
  createFsAdapter({
    ...{ name: "files", folders: [{ name: "root", path: root }], home: base, grep },
    write: { versions: `${base}/versions`, limits: { perFile: 9, bytes: 1e6, days: 9 }, bytes: 1e6, closed: [] },
  });

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/grep-`));
  root = `${base}/root`;
  fs.mkdirSync(root);
  adapter = serve();
});

afterEach(async () => {
  await adapter.stop?.();
  fs.rmSync(base, { recursive: true, force: true });
});

function put(path: string, content: string | Buffer): void {
  fs.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  fs.writeFileSync(`${root}/${path}`, content);
}

type Allows = (resource: Resource) => boolean;
const ajv = new Ajv2020({ strict: true });

interface Extra {
  readonly allows?: Allows;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

async function grep(input: Partial<GrepInput>, extra: Extra = {}): Promise<GrepOutput> {
  const { allows = () => true, maxBytes = 1_000_000, signal = new AbortController().signal } = extra;
  const tool = adapter.tools().find(({ name }) => name === "fs.grep") as unknown as Tool<object, GrepOutput>;
  const whole = { pattern: "needle", dir: "root", ...input };
  expect(ajv.validate(tool.input, whole), ajv.errorsText()).toBe(true);
  const permit = { maxBytes, hardlinks: false, allows } as unknown as Permit;
  const output = await tool.run(whole, { permit, signal, progress: () => {} });
  expect(ajv.validate(tool.output, output), ajv.errorsText()).toBe(true);
  expect(tool.filter?.(output, allows)).toEqual(output);
  return output;
}

const places = ({ matches }: GrepOutput): string[] =>
  matches.map(({ path, line }) => `${path.slice(root.length + 1)}:${line}`);
const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "allowed",
    (error: unknown) => (error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error)),
  );

/** The pattern's automaton has 2^18 states, and the text visits a new one with each letter. */
const slowPattern = "(?:a|b)*a(?:a|b){18}[^ab]";
function slowText(length: number): string {
  const bytes = Buffer.alloc(length);
  for (let index = 0, state = 1; index < length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = (state >>> 16) & 1 ? 97 : 98;
  }
  return bytes.toString("latin1");
}

describe("a search", () => {
  test("gives lines with their number, place in bytes and context", async () => {
    put("a.txt", "one\nzw\u00f6lf needle drei\r\nthree\nfour\nneedle");
    const { matches, files, truncated } = await grep({ context: 1 });
    expect([files, truncated]).toEqual([1, undefined]);
    expect(matches).toEqual([
      {
        ...{ path: `${root}/a.txt`, line: 2, start: 11, end: 17 },
        text: "zw\u00f6lf needle drei",
        before: ["one"],
        after: ["three"],
      },
      { ...{ path: `${root}/a.txt`, line: 5, start: 35, end: 41 }, text: "needle", before: ["four"], after: [] },
    ]);
    const bytes = fs.readFileSync(`${root}/a.txt`);
    for (const { start, end } of matches) expect(bytes.toString("utf8", start, end)).toBe("needle");
  });

  test("is narrowed by folder and glob, and takes patterns, plain text and either case", async () => {
    put("a.md", "Needle (1)\n");
    put("sub/b.txt", "needle (2)\n");
    put("sub/deep/c.md", "no needles? needle.\n");
    expect(places(await grep({}))).toEqual(["sub/b.txt:1", "sub/deep/c.md:1"]);
    expect(places(await grep({ ignoreCase: true }))).toEqual(["a.md:1", "sub/b.txt:1", "sub/deep/c.md:1"]);
    expect(places(await grep({ glob: "*.md" }))).toEqual(["sub/deep/c.md:1"]);
    expect(places(await grep({ dir: "root/sub", glob: "deep/*" }))).toEqual(["sub/deep/c.md:1"]);
    expect(places(await grep({ pattern: "(2)", literal: true }))).toEqual(["sub/b.txt:1"]);
    expect(places(await grep({ pattern: "^[Nn]\\w+ \\(\\d\\)$" }))).toEqual(["a.md:1", "sub/b.txt:1"]);
    expect(places(await grep({ pattern: "\\Aneedle" }))).toEqual(["sub/b.txt:1"]);
    expect(await refusal(grep({ pattern: "(" }))).toBe("VALIDATION_ERROR pattern");
    expect(await refusal(grep({ pattern: "(?=a)b" }))).toBe("VALIDATION_ERROR pattern");
    expect(await refusal(grep({ pattern: "(a{1000}){5}" }))).toBe("VALIDATION_ERROR pattern");
    expect(await refusal(grep({ dir: "root/none" }))).toBe("NOT_FOUND missing");
  });

  test("passes over binary files, links, other names, and what ignore files and tools' folders hide", async () => {
    const outside = `${base}/outside`;
    fs.mkdirSync(outside);
    fs.writeFileSync(`${outside}/secret.txt`, "needle canary\n");
    put("binary", Buffer.from("needle\0needle"));
    put("latin1.txt", Buffer.from("caf\u00e9 needle\n", "latin1"));
    put(".gitignore", "*.log\nbuild/\n");
    put("a.log", "needle");
    put("build/out.txt", "needle");
    put("sub/.portcullisignore", "hidden.txt\n");
    put("sub/hidden.txt", "needle");
    put("sub/shown.txt", "needle");
    put("node_modules/x/index.js", "needle");
    put(".git/config", "needle");
    fs.symlinkSync(outside, `${root}/away`);
    fs.symlinkSync(`${outside}/secret.txt`, `${root}/link.txt`);
    fs.linkSync(`${outside}/secret.txt`, `${root}/hard.txt`);
    execFileSync("mkfifo", [`${root}/pipe`]);
    const answer = await grep({});
    expect(places(answer)).toEqual(["latin1.txt:1", "sub/shown.txt:1"]);
    expect(answer.matches[0]).toMatchObject({ text: "caf\u00e9 needle", start: 5 });
    expect(answer.skipped).toEqual({ binary: 1, large: 0 });
    expect(places(await grep({ dir: "root/sub" }))).toEqual(["sub/shown.txt:1"]);
    expect(places(await grep({ dir: "root/build" }))).toEqual(["build/out.txt:1"]);
    expect(await refusal(grep({ dir: "root/away" }))).toBe("PERMISSION_DENIED real_path");
  });

  test("tells nothing of files that policy hides, neither by their names nor where they really lie", async () => {
    put("open/a.txt", "needle");
    put("closed/b.txt", "needle");
    put("open/c.txt", "needle");
    fs.symlinkSync("closed", `${root}/inner`);
    const allows: Allows = (resource) => resource.kind === "path" && !/\/closed\/|\/c\.txt$/.test(resource.path);
    const answer = await grep({}, { allows });
    expect([places(answer), answer.files]).toEqual([["open/a.txt:1"], 1]);
    expect(places(await grep({ dir: "root/inner" }, { allows }))).toEqual([]);
    expect(places(await grep({ dir: "root/inner" }))).toEqual(["inner/b.txt:1"]);
  });

  test("says what was used up", async () => {
    for (let index = 0; index < 9; index++) put(`f${index}.txt`, "needle\n".repeat(3));
    put("large.txt", `needle ${"x".repeat(1_000_000)}`);
    expect(await grep({ maxMatches: 27 })).toMatchObject({ files: 9, skipped: { large: 1 } });
    expect((await grep({ maxMatches: 27 })).truncated).toBeUndefined();
    expect(await grep({ maxMatches: 26 })).toMatchObject({ truncated: "matches" });
    expect((await grep({ maxMatches: 26 })).matches).toHaveLength(26);
    expect(await grep({}, { maxBytes: 500 })).toMatchObject({ truncated: "answer" });
    for (const [limits, truncated] of [
      [{ seen: 3 }, "files"],
      [{ bytes: 70 }, "bytes"],
      [{ milliseconds: 0 }, "time"],
    ] as const) {
      await adapter.stop?.();
      adapter = serve({ ...generous, ...limits });
      expect((await grep({})).truncated).toBe(truncated);
    }
  });

  test("of a line made to be slow neither holds up the server nor outlives its call", async () => {
    await adapter.stop?.();
    adapter = serve({ ...generous, fileBytes: 1e8, milliseconds: 1_500 });
    put("slow.txt", slowText(20_000_000));
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    try {
      expect(await grep({ pattern: slowPattern })).toMatchObject({ matches: [], truncated: "time" });
      expect(longest).toBeLessThan(1_000);
    } finally {
      clearInterval(beat);
    }
    fs.rmSync(`${root}/slow.txt`);
    put("b.txt", "needle");
    expect(places(await grep({}))).toEqual(["b.txt:1"]);
  });

  test("ends when its call does, and leaves no file open", async () => {
    put("slow.txt", slowText(900_000));
    put("b.txt", "needle");
    await grep({});
    const before = fs.readdirSync("/proc/self/fd").length;
    const ending = new AbortController();
    const running = grep({ pattern: slowPattern }, { signal: ending.signal });
    setTimeout(() => ending.abort(new Error("withdrawn")), 50);
    expect(await refusal(running)).toBe("Error: withdrawn");
    expect(await refusal(grep({}, { signal: AbortSignal.abort(new Error("gone")) }))).toBe("Error: gone");
    await grep({});
    expect(fs.readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });
});

test("a line's matches are those that a pattern has in the line alone, gated or not", () => {
  const text = "alpha beta\n\nBETA\nend of alpha\u2028beta\n";
  const search = (pattern: string, ignoreCase = false) =>
    createLineSearch({ pattern, ignoreCase, literal: false, context: 0 })(Buffer.from(text), 99).map(
      ({ line }) => line,
    );
  expect(search("beta")).toEqual([1, 4]);
  expect(search("beta", true)).toEqual([1, 3, 4]);
  expect(search("^$")).toEqual([2]);
  expect(search("alpha\\s+beta")).toEqual([1]);
  expect(search("beta\\s")).toEqual([]);
  expect(search("beta$")).toEqual([1, 4]);
  expect(search("[^x]BETA")).toEqual([]);
  expect(search("a\\z")).toEqual([1, 4]);
  expect(search("x*")).toEqual([1, 2, 3, 4]);
});

test("a long line is shown around its match", () => {
  const line = `${"x".repeat(5_000)}needle${"y".repeat(5_000)}`;
  const [match] = createLineSearch({ pattern: "needle", ignoreCase: false, literal: true, context: 0 })(
    Buffer.from(line),
    9,
  );
  expect(match).toMatchObject({ line: 1, start: 5_000, end: 5_006 });
  expect(match?.text).toMatch(/^\u2026x{100}needley+\u2026$/);
});
