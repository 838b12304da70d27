import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Stands in everything that must not get out: an answer that holds it is an escape. */
export const marker = "kept-inside-4f1d";

/** Secrets of kinds that are known by their form, in halves so that no scanner takes this file for a leak. */
export const secrets = [
  `ghp_${"x7Qm2Vd9Lr4Ts8Wb"}${"K1Zc6Nf3Hj5Py0Ga2Eu7"}`,
  `AKIA${"J7QX2MWP4RTKVN3H"}`,
  `sk_live_${"51Hq8ZtR2mWv7Lp3Xc"}${"9Nd4Kb"}`,
] as const;

export const notes = 400;

/** A served folder with notes, secrets, a closed part, links that lead out and a history; and a folder beside it that nobody serves. */
export function buildHouse(base: string): { readonly folder: string; readonly outside: string } {
  const [folder, outside] = [join(base, "notes"), join(base, "outside")];
  for (const path of [folder, outside, join(folder, "private"), join(folder, "deep", "er")])
    mkdirSync(path, { recursive: true });
  for (let note = 0; note < notes; note++) {
    const secret = note % 10 === 0 ? `\nThe key is ${secrets[note % secrets.length]} for now.\n` : "";
    const text = `# Note ${note}\n\n${"A line about gardens, boats and the weather of the week. ".repeat(20)}\n${secret}\nSee [[note-${(note * 7) % notes}]].\n`;
    writeFileSync(join(folder, note % 3 === 0 ? "deep" : ".", `note-${note}.md`), text);
  }
  writeFileSync(join(folder, "private", "diary.md"), `A diary. ${marker}\n`);
  writeFileSync(join(folder, ".env"), `PASSWORD=${marker}\n`);
  writeFileSync(join(outside, "file.md"), `Nobody serves this. ${marker}\n`);
  symlinkSync(outside, join(folder, "way-out"));
  symlinkSync(join(outside, "file.md"), join(folder, "deep", "link.md"));
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-c", "user.name=Soak", "-c", "user.email=soak@example.org", ...args], { cwd: folder });
  git("init", "-q", "-b", "main");
  git("add", "-A", "--", ".", ":!private", ":!.env");
  git("commit", "-q", "-m", "All notes");
  return { folder, outside };
}

/** One client for what is served, and one that may fetch from one port of this machine. */
export const toPolicies = (allowed: number): string => `subject: soak
purpose: required
scopes:
  - tool: [search, fetch, "index.*", "vault.*", fs.readFile, fs.list, fs.stat, fs.grep, "git.*"]
    allow: ["@served/**"]
    deny: ["@served/private/**", "**/.env*"]
---
subject: roamer
purpose: required
scopes:
  - tool: http.fetch
    allow: ["http://127.0.0.1:${allowed}/**"]
`;

export const settings = `limits: { turnCalls: 100000000, turnCeiling: 100000000 }
redact: { arguments: refuse }
`;
