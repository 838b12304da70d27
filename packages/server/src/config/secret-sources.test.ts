import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createRedactor } from "../redaction/redactor.ts";
import { readSecrets } from "./secret-sources.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-secrets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const values = (path: string): readonly string[] =>
  readSecrets({ files: [path], variables: [] }).secrets.map(({ value }) => value);

describe("registered secrets", () => {
  test("are the values of an environment file, in quotes and over lines", () => {
    const path = file(
      "a.env",
      `# ours\nPORT=3000\nexport FIRST="blue harbour 7!"\nSECOND='it is = # here'\nTHIRD=plain-Value9 # why\nLONG="line one of it\nline two of it"\n`,
    );
    expect(values(path)).toEqual([
      "blue harbour 7!",
      "it is = # here",
      "plain-Value9",
      "line one of it",
      "line two of it",
    ]);
  });

  test("are the strings of JSON, and a key's own lines", () => {
    expect(values(file("a.json", JSON.stringify({ a: { b: ["deep-Value-81"] }, n: 7 })))).toEqual(["deep-Value-81"]);
    const dashes = "-".repeat(5);
    expect(values(file("id_key", `${dashes}BEGIN X${dashes}\nq8Zk3TqY5nB1xR7m\n${dashes}END X${dashes}\n`))).toEqual([
      "q8Zk3TqY5nB1xR7m",
    ]);
  });

  test("are refused with a word when they are too short or too common, and the word does not tell them", () => {
    const path = file("b.env", "A=abc12\nB=production\nC=12345678901\nD=/usr/local/bin\nE=changeme\n");
    const { secrets, refused } = readSecrets({ files: [path], variables: [] });
    expect(secrets).toEqual([]);
    expect(refused).toHaveLength(5);
    expect(refused[0]).toMatch(/b\.env:1 \(A\) is not looked for: it has fewer than 8 characters/);
    expect(refused.join()).not.toMatch(/abc12|12345678901/);
  });

  test("that are not there are a fault with the source's name", () => {
    expect(() => readSecrets({ files: [join(folder, "none.env")], variables: [] })).toThrow(/none\.env cannot be read/);
    expect(() => readSecrets({ files: [], variables: ["NOT_THERE"] }, {})).toThrow(/no NOT_THERE/);
    expect(readSecrets({ files: [], variables: ["HERE"] }, { HERE: "blue harbour 7" }).secrets).toEqual([
      { name: "HERE", value: "blue harbour 7" },
    ]);
  });

  test("are found beside the old ones once they are known, also where they are wrapped", () => {
    const redactor = createRedactor({ secrets: [{ name: "old", value: "olive-tree-lane" }] });
    expect(redactor.scrubText("see harbour-light-nine").value).toContain("harbour");
    redactor.know([{ name: "new", value: "harbour-light-nine" }]);
    expect(redactor.scrubText("see harbour-light-nine, olive-tree-lane").value).toBe(
      "see [redacted:new], [redacted:old]",
    );
    expect(redactor.scrubText("see\nharbour-light-\nnine\n").value).not.toContain("harbour");
  });
});
