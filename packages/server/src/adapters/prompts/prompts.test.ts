import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { openPromptFolder } from "./folder.ts";
import { fill, readTemplate } from "./template.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-prompts-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const template = (text: string, file = "plan.md") => {
  const read = readTemplate(file, text);
  if ("fault" in read) throw new Error(read.fault);
  return read.template;
};
const withArguments = (names: readonly string[], body: string): string =>
  `---\narguments: [${names.join(", ")}]\n---\n${body}`;

describe("a template", () => {
  test("is filled once: what an argument holds is a text, whatever it looks like", () => {
    const { pieces, listed } = template(withArguments(["a", "b"], "{{a}}-{{ b }}-{{c}}-{{a}}"));
    expect(fill({ pieces, listed }, { a: "{{b}}", b: "$& {{a}}" }, 1_000)).toBe("{{b}}-$& {{a}}-{{c}}-{{b}}");
    expect(fill({ pieces, listed }, {}, 1_000)).toBe("--{{c}}-");
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(fill({ pieces, listed }, { a, b }, 100_000)).toBe(`${a}-${b}-{{c}}-${a}`);
      }),
    );
  });

  test("is never longer than may leave, however often an argument stands in it", () => {
    const many = template(withArguments(["a"], "{{a}}".repeat(256)));
    expect(fill(many, { a: "x".repeat(262_144) }, 5_242_880)).toBeUndefined();
    expect(readTemplate("a.md", withArguments(["a"], "{{a}}".repeat(257)))).toHaveProperty("fault");
    const braces = template(withArguments(["a"], "{".repeat(60_000)));
    expect(fill(braces, { a: "x" }, 100_000)).toHaveLength(60_000);
  });

  test.each([
    ["a name that is none", "---\nname: No Name\n---\nx"],
    ["a key that is none", "---\nscript: x\n---\nx"],
    ["arguments that are no list", "---\narguments: 7\n---\nx"],
    ["an argument without a name", "---\narguments: [{ description: x }]\n---\nx"],
    ["two arguments of one name", "---\narguments: [a, a]\n---\nx"],
    ["a title that is none", "---\ntitle: [x]\n---\nx"],
    ["no text", "---\nname: a\n---\n"],
    ["anchors that repeat each other", "---\na: &a [x]\nb: *a\n---\nx"],
    ["frontmatter that is no YAML", "---\nname: [\n---\nx"],
    ["great depth", `---\narguments: ${"[".repeat(5_000)}\n---\nx`],
  ])("with %s is refused with a sentence", (_, text) => {
    expect(readTemplate("plan.md", text)).toEqual({ fault: expect.stringMatching(/\.$/) });
  });

  test("has its file's name where it gives none, which must be one", () => {
    expect(template("x").listed).toEqual({ name: "plan", arguments: [] });
    for (const file of ["Plan.md", "../x.md", "a b.md", "7.md", "__proto__.md"])
      expect(readTemplate(file, "x")).toHaveProperty("fault");
    const { listed, pieces } = template(withArguments(["constructor"], "{{constructor}}."));
    expect(fill({ listed, pieces }, {}, 100)).toBe(".");
  });
});

describe("a folder of templates", () => {
  test("gives what can be read, and tells of the rest", async () => {
    const folder = join(base, "mixed");
    mkdirSync(folder);
    writeFileSync(join(folder, "good.md"), "x");
    writeFileSync(join(folder, "same.md"), "---\nname: good\n---\ny");
    writeFileSync(join(folder, "large.md"), "x".repeat(70_000));
    writeFileSync(join(folder, "bytes.md"), Buffer.from([0xff, 0xfe, 0xff]));
    writeFileSync(join(folder, "note.txt"), "x");
    writeFileSync(join(folder, ".hidden.md"), "x");
    mkdirSync(join(folder, "folder.md"));
    execFileSync("mkfifo", [join(folder, "pipe.md")]);
    symlinkSync("/dev/zero", join(folder, "zero.md"));
    symlinkSync(join(folder, "nowhere"), join(folder, "gone.md"));
    const told: string[] = [];
    const ending = new AbortController();
    const prompts = openPromptFolder({ folder, tell: (message) => told.push(message) });
    await prompts.follow(ending.signal);
    ending.abort();
    expect([...prompts.templates().keys()]).toEqual(["good"]);
    const faults = told.map((message) => /(\w+)\.md/.exec(message)?.[1]).sort();
    expect(faults).toEqual(["bytes", "folder", "large", "pipe", "same", "zero"]);
    expect(told.filter((message) => message.includes("no regular file"))).toHaveLength(3);
  });

  test("that is not there, comes later and goes again is followed", async () => {
    const folder = join(base, "later");
    const ending = new AbortController();
    const prompts = openPromptFolder({ folder, tell: () => {}, pollMs: 5 });
    await prompts.follow(ending.signal);
    const until = async (names: readonly string[]): Promise<void> => {
      const end = performance.now() + 10_000;
      while ([...prompts.templates().keys()].join() !== names.join() && performance.now() < end)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect([...prompts.templates().keys()]).toEqual(names);
    };
    mkdirSync(folder);
    writeFileSync(join(folder, "b.md"), "x");
    await until(["b"]);
    const before = prompts.version();
    renameSync(join(folder, "b.md"), join(folder, "a.md"));
    await until(["a"]);
    expect(prompts.version()).toBeGreaterThan(before);
    rmSync(folder, { recursive: true });
    await until([]);
    ending.abort();
  });

  test("of more files than are taken offers as many as are", async () => {
    const folder = join(base, "many");
    mkdirSync(folder);
    for (let at = 0; at < 300; at++) writeFileSync(join(folder, `p${at}.md`), "x");
    const told: string[] = [];
    const ending = new AbortController();
    const prompts = openPromptFolder({ folder, tell: (message) => told.push(message) });
    await prompts.follow(ending.signal);
    ending.abort();
    expect(prompts.templates().size).toBe(256);
    expect(told.join()).toContain("more than 256");
  });
});
