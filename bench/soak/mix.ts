import { below, pick, type Random } from "../search/random.ts";
import { notes, secrets } from "./house.ts";

/** One call of the mix, and what has to become of it. */
export interface Planned {
  readonly kind: string;
  readonly attack: boolean;
  readonly who: "soak" | "roamer";
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** `either`: a refusal or an answer is right, as long as nothing gets out. */
  readonly expect: "answer" | "refusal" | "either";
}

const words = ["garden", "boats", "weather", "week", "note", "key", "line", "now"] as const;

const noteName = (random: Random): string => {
  const note = below(random, notes);
  return `${note % 3 === 0 ? "deep/" : ""}note-${note}.md`;
};

const ordinary: readonly ((random: Random, folder: string) => Omit<Planned, "attack" | "who" | "expect">)[] = [
  (random, folder) => ({ kind: "read", name: "fs.readFile", args: { path: `${folder}/${noteName(random)}` } }),
  (random, folder) => ({ kind: "read", name: "fs.readFile", args: { path: `${folder}/${noteName(random)}` } }),
  (random) => ({ kind: "fetch", name: "fetch", args: { id: `notes/${noteName(random)}` } }),
  (random, folder) => ({ kind: "stat", name: "fs.stat", args: { path: `${folder}/${noteName(random)}` } }),
  (_, folder) => ({ kind: "list", name: "fs.list", args: { dir: `${folder}/deep` } }),
  (random) => ({
    kind: "search",
    name: "search",
    args: { query: `${pick(random, words)} ${pick(random, words)} ${below(random, notes)}` },
  }),
];

/** Costs a process or a walk each: one in fifty. */
const costly: typeof ordinary = [
  (random, folder) => ({
    kind: "git log",
    name: "git.log",
    args: { repository: folder, maxCount: 1 + below(random, 3) },
  }),
  (random, folder) => ({
    kind: "grep",
    name: "fs.grep",
    args: { dir: `${folder}/deep`, pattern: pick(random, words) },
  }),
];

const ups = [
  "../",
  "..%2f",
  "%2e%2e/",
  "..\\",
  "./.././",
  "..;/",
  "..%252f",
  "\u2025/",
  "..\u2215",
  "deep/../../",
] as const;
const ends = ["outside/file.md", "outside/file.md\0.md", "OUTSIDE/FILE.MD", "outside//file.md", "etc/passwd"] as const;
const inner = [
  "private/diary.md",
  "PRIVATE/diary.md",
  "deep/../private/diary.md",
  "./private//diary.md",
  "private/./diary.md",
  "way-out/file.md",
  "deep/link.md",
  ".env",
  "deep/../.env",
  "%70rivate/diary.md",
  "private%2fdiary.md",
  "pr\u0131vate/diary.md",
] as const;

const hosts = [
  "127.0.0.1",
  "localhost",
  "0.0.0.0",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "169.254.169.254",
  "[fe80::1]",
  "10.0.0.1",
  "192.168.0.1",
  "127.0.0.1.",
  "\u2460\u2461\u2466.0.0.1",
  "[64:ff9b::7f00:1]",
] as const;

const tools = ["fs.readFile", "fs.stat", "fs.list", "fs.grep", "git.show", "vault.note"] as const;

/** What there is to aim at. */
export interface Around {
  readonly folder: string;
  /** Where a server of this machine listens that must not be reached. */
  readonly port: number;
  /** Where one listens that may be, which leads on to wherever it is told. */
  readonly allowed: number;
}

const attacks: readonly ((random: Random, around: Around) => Omit<Planned, "attack">)[] = [
  // Out of what is served, by each tool that takes a path.
  (random, { folder }) => {
    const path = `${folder}/${pick(random, ups).repeat(1 + below(random, 4))}${pick(random, ends)}`;
    return { ...withPath(random, path), kind: "way out", who: "soak", expect: "either" };
  },
  // To what is served and closed.
  (random, { folder }) => ({
    ...withPath(random, `${folder}/${pick(random, inner)}`),
    ...{ kind: "closed", who: "soak", expect: "either" },
  }),
  (random) => ({
    ...{ kind: "closed", who: "soak", expect: "refusal" },
    ...{
      name: "fetch",
      args: { id: pick(random, ["notes/private/diary.md", "notes/../outside/file.md", "notes/.env"]) },
    },
  }),
  () => ({
    kind: "closed",
    who: "soak",
    expect: "either",
    name: "search",
    args: { query: "diary nobody serves this" },
  }),
  // To this machine and its neighbours, straight and by way of a host that leads on.
  (random, { port, allowed }) => {
    const target = `${pick(random, ["http", "https"])}://${pick(random, hosts)}:${port}/${below(random, 1e6)}`;
    const url = random() < 0.5 ? target : `http://127.0.0.1:${allowed}/?to=${encodeURIComponent(target)}`;
    return { kind: "network", who: "roamer", expect: "refusal", name: "http.fetch", args: { url } };
  },
  // A secret on its way out.
  (random, { allowed }) => ({
    ...{ kind: "secret sent", who: "roamer", expect: "refusal", name: "http.fetch" },
    args: { url: `http://127.0.0.1:${allowed}/?q=${pick(random, secrets)}` },
  }),
  // What makes no sense.
  (random) => ({
    ...{
      kind: "nonsense",
      who: "soak",
      expect: "refusal",
      name: pick(random, ["fs.readfile", "__proto__", "", "fs.writeFile", "constructor"]),
    },
    args: { path: "/" },
  }),
  (random, { folder }) => ({
    ...{ kind: "nonsense", who: "soak", expect: "refusal", name: "fs.readFile" },
    args: pick(random, [
      { path: 7 },
      {},
      { path: `${folder}/${"a/".repeat(5_000)}` },
      { path: folder, extra: { deep: [[[[]]]] } },
    ]),
  }),
];

function withPath(random: Random, path: string): { readonly name: string; readonly args: Record<string, unknown> } {
  const name = pick(random, tools);
  if (name === "fs.grep") return { name, args: { dir: path, pattern: "." } };
  if (name === "fs.list") return { name, args: { dir: path } };
  if (name === "git.show") return { name, args: { repository: path, rev: "HEAD" } };
  return name === "vault.note" ? { name, args: { id: path } } : { name, args: { path } };
}

/** The next call: one in twenty is an attack. */
export function plan(random: Random, around: Around): Planned {
  if (random() < 0.05) return { attack: true, ...pick(random, attacks)(random, around) };
  const from = random() < 0.02 ? costly : ordinary;
  return { attack: false, who: "soak", expect: "answer", ...pick(random, from)(random, around.folder) };
}
