import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { commands } from "./commands.ts";
import { createCompletion } from "./completion.ts";
import { createOutput } from "./output.ts";

test("the list of commands says what each command says of itself, and shows it by example", async () => {
  for (const [name, { summary, examples, load }] of Object.entries(commands)) {
    expect(summary, name).toBe((await load()).summary);
    expect(examples.length, name).toBeGreaterThan(0);
    for (const line of examples) expect(line).toContain(`portcullis ${name}`);
  }
});

test("examples name only options that their commands take", async () => {
  for (const [name, { examples, load }] of Object.entries(commands)) {
    const known = new Set([...Object.keys((await load()).options), "data", "config", "json", "help"]);
    for (const line of examples)
      for (const [, option = ""] of line.matchAll(/(?<!\S)--([a-z-]+)/g))
        expect(known, `${name}: ${line}`).toContain(option);
  }
});

const printed = async (shell: string): Promise<string> => {
  const lines: string[] = [];
  const invocation = { values: {}, positionals: [shell], env: {}, data: "" };
  await createCompletion(commands).run({
    ...invocation,
    output: { ...createOutput(false), out: (line) => void lines.push(line) },
  });
  return lines.join("\n");
};

test("bash completes commands, their verbs and their options", async () => {
  const script = await printed("bash");
  const complete = (...words: readonly string[]): readonly string[] => {
    const list = words.map((word) => `'${word}'`).join(" ");
    const program = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", program], { encoding: "utf8" }).split("\n").filter(Boolean);
  };
  expect(complete("portcullis", "co")).toEqual(expect.arrayContaining(["connect", "consent", "completion"]));
  expect(complete("portcullis", "token", "")).toEqual(
    expect.arrayContaining(["create", "list", "revoke", "--subject"]),
  );
  expect(complete("portcullis", "connect", "g")).toEqual(["gemini"]);
  expect(complete("portcullis", "chat", "--mo")).toEqual(["--model"]);
});

test("the scripts for zsh and fish are scripts of these shells", async () => {
  for (const shell of ["zsh", "fish"]) {
    const script = await printed(shell);
    for (const name of Object.keys(commands)) expect(script).toContain(name);
    const path = `/usr/bin/${shell}`;
    if (existsSync(path)) execFileSync(path, ["-n"], { input: script });
    else console.warn(`The script for ${shell} was not read by ${shell}: there is none here.`);
  }
});
