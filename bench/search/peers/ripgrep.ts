import { spawn, spawnSync } from "node:child_process";
import { relative } from "node:path";
import { rgPath } from "@vscode/ripgrep";
import { toTerms } from "./terms.ts";

const fixed = ["--ignore-case", "--fixed-strings", "--no-config", "--no-messages"] as const;
const toPatterns = (query: string): readonly string[] => toTerms(query).flatMap((term) => ["-e", term]);

/** What an agent with grep finds: the ten files with most of the query's distinct terms, and of those with as many, most matches. */
export async function grep(folder: string, query: string): Promise<readonly string[]> {
  const patterns = toPatterns(query);
  if (patterns.length === 0) return [];
  const args = [...fixed, "--only-matching", "--no-heading", "--no-line-number", "--with-filename", "--null"];
  const child = spawn(rgPath, [...args, ...patterns, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const files = new Map<string, { readonly terms: Set<string>; matches: number }>();
  let rest = "";
  child.stdout.setEncoding("utf8");
  for await (const piece of child.stdout) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [path = "", match = ""] = line.split("\0");
      const file = files.get(path) ?? { terms: new Set<string>(), matches: 0 };
      file.terms.add(match.toLowerCase());
      file.matches++;
      files.set(path, file);
    }
  }
  return [...files]
    .sort(([one, a], [other, b]) => b.terms.size - a.terms.size || b.matches - a.matches || (one < other ? -1 : 1))
    .slice(0, 10)
    .map(([path]) => relative(folder, path));
}

/** Has ripgrep count the query's matches in each file of a folder, and waits for it. */
export function count(folder: string, query: string): void {
  const { status, error } = spawnSync(rgPath, [...fixed, "--count", ...toPatterns(query), folder], {
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 30,
  });
  if (error || (status !== 0 && status !== 1)) throw error ?? new Error(`ripgrep ended with ${status}.`);
}
