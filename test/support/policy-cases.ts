import { type Resource, toUri } from "@portcullis/contracts";
import { compilePolicy } from "../../packages/server/src/policy/compile.ts";
import type { Question } from "../../packages/server/src/policy/verdict.ts";

/* The worked cases of docs/policy.md: what the engine says to them is what the page tells. */

/** `/mnt/usb` stands for a disk on which letter case does not count. */
export const casesPolicy = `groups: { family: [cat@home, "*@parents"] }
---
subject: ["duck@home", "group:family"]
scopes:
  - { id: notes, tool: [fs.readFile, fs.list, git.log, search], allow: ["/srv/notes/**"], deny: ["**/.env", "/srv/notes/diary"] }
  - { id: small, tool: fs.readFile, allow: ["/srv/notes/large/**"], maxBytes: 1000, redact: { patterns: [draft] } }
  - { id: summer, tool: fs.readFile, allow: ["/srv/holiday/**"], expires: 2026-09-01 }
  - { id: taxes, tool: fs.readFile, allow: ["/srv/taxes/**"], purposes: ["tax-*"], labels: { private: money } }
  - { id: letters, tool: fs.readFile, allow: ["/srv/letters/**"], consent: ask }
  - { id: disk, tool: fs.readFile, allow: ["/mnt/usb/**"], deny: ["**/secret"] }
  - { id: web, tool: http.fetch, allow: ["https://*.example.org/docs/**"], deny: ["https://old.example.org/**"] }
  - { id: post, tool: http.fetch, allow: ["https://api.example.org/v1/**"], methods: [POST] }
  - { id: writes, tool: "fs.*", allow: ["/srv/inbox/**"] }
`;

const path = (text: string, collection = false): Resource => ({
  kind: "path",
  path: text,
  ...(collection && { collection }),
});
const url = (href: string, method = "GET"): Resource => ({ kind: "url", href, method });
const index: Resource = { kind: "index", name: "served", collection: true };

type Asked = Partial<Omit<Question, "purpose">> & { readonly resource: Resource; readonly purpose?: string };

/** What each case is about, and what is asked. */
const cases: readonly (readonly [what: string, asked: Asked])[] = [
  ["a scope allows it", { resource: path("/srv/notes/plan.md") }],
  ["the same by a group", { subject: "mum@parents", resource: path("/srv/notes/plan.md") }],
  ["nobody has a scope for them", { subject: "fox@home", resource: path("/srv/notes/plan.md") }],
  ["no scope names the tool", { tool: "vault.note", resource: path("/srv/notes/plan.md") }],
  ["no pattern covers the place", { resource: path("/srv/other/plan.md") }],
  ["a deny beats the allow", { resource: path("/srv/notes/a/.env") }],
  ["and everything below what it names", { resource: path("/srv/notes/diary/2026/may.md") }],
  ["a hidden file is a file", { resource: path("/srv/notes/.hidden/a.md") }],
  ["a path with a way out", { resource: path("/srv/notes/../taxes/a") }],
  ["a folder in which something is open", { tool: "fs.list", resource: path("/srv", true) }],
  ["two scopes: what they ask adds up", { resource: path("/srv/notes/large/a.md") }],
  ["the scope has ended", { resource: path("/srv/holiday/plan.md") }],
  ["a day before that", { resource: path("/srv/holiday/plan.md"), now: Date.parse("2026-08-31") }],
  ["a purpose that is served", { resource: path("/srv/taxes/2026.md"), purpose: "tax-return" }],
  ["one that is not", { resource: path("/srv/taxes/2026.md") }],
  ["no purpose at all", { resource: path("/srv/notes/plan.md"), purpose: "" }],
  ["the owner is asked", { resource: path("/srv/letters/a.md") }],
  ["letter case does not count there", { resource: path("/mnt/usb/SECRET/a") }],
  ["here it does", { resource: path("/srv/notes/Diary/a.md") }],
  ["the history of a file", { tool: "git.log", resource: { kind: "git", repository: "/srv/notes", path: "plan.md" } }],
  [
    "of a file that is denied",
    { tool: "git.log", resource: { kind: "git", repository: "/srv/notes", path: "a/.env" } },
  ],
  ["a search: its hits are judged one by one", { tool: "search", resource: index }],
  ["a search of whom nothing is open", { subject: "fox@home", tool: "search", resource: index }],
  ["a URL below the pattern", { tool: "http.fetch", resource: url("https://www.example.org/docs/a") }],
  ["a host that only looks alike", { tool: "http.fetch", resource: url("https://example.org.evil.test/docs/a") }],
  ["another port", { tool: "http.fetch", resource: url("https://www.example.org:8443/docs/a") }],
  ["a URL with a way out", { tool: "http.fetch", resource: url("https://www.example.org/docs/%2e%2e%2fadmin") }],
  ["a host that is denied", { tool: "http.fetch", resource: url("https://old.example.org/docs/a") }],
  ["a method that the scope names", { tool: "http.fetch", resource: url("https://api.example.org/v1/a", "POST") }],
  ["one that it does not", { tool: "http.fetch", resource: url("https://api.example.org/v1/a", "DELETE") }],
  ["a wildcard reaches no tool that writes", { tool: "fs.writeFile", effect: "write", resource: path("/srv/inbox/a") }],
];

export interface Case {
  readonly what: string;
  readonly asked: string;
  readonly effect: "allow" | "deny";
  readonly decision: string;
  readonly explanation: string;
}

/** Each case with what the engine decides and how it explains that. */
export function explainCases(): readonly Case[] {
  const options = { home: "/home/duck", served: [], caseless: ["/mnt/usb"] };
  const { policy, faults } = compilePolicy([{ path: "cases.yaml", text: casesPolicy }], options);
  if (!policy) throw new Error(JSON.stringify(faults));
  return cases.map(([what, { purpose = "plan-trip", ...asked }]) => {
    const question: Question = {
      subject: "duck@home",
      tool: "fs.readFile",
      effect: "read",
      now: Date.parse("2026-11-23"),
      purpose: purpose === "" ? { stated: false } : { text: purpose, stated: true },
      ...asked,
    };
    const { verdict, deciding } = policy.explain(question);
    const { subject, tool, resource } = question;
    const method = resource.kind === "url" && resource.method !== "GET" ? ` ${resource.method}` : "";
    const why = purpose === "plan-trip" ? "" : purpose === "" ? ", no purpose" : `, purpose ${purpose}`;
    const by = deciding.map(({ scope, pattern }) => `${scope.id}${pattern === null ? "" : ` ${pattern}`}`).join("; ");
    return {
      what,
      asked: `${subject === "duck@home" ? "" : `${subject}: `}${tool}${method} ${toUri(resource)}${why}`,
      effect: verdict.effect,
      decision: verdict.effect === "allow" ? "allowed" : verdict.reason,
      explanation:
        verdict.effect === "allow" ? told(verdict.obligations, by) : `${by === "" ? "" : `${by}. `}${verdict.message}`,
    };
  });
}

function told(
  { maxBytes, redact, labels }: { maxBytes?: number | undefined; redact: readonly string[]; labels: readonly object[] },
  by: string,
): string {
  const asks = [
    ...(maxBytes === undefined ? [] : [`at most ${maxBytes} bytes`]),
    ...(redact.length === 0 ? [] : [`masks ${redact.join(", ")}`]),
    ...labels.map((label) => `labelled ${JSON.stringify(label)}`),
  ];
  return asks.length === 0 ? by : `${by} (${asks.join("; ")})`;
}
