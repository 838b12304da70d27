import { readFileSync } from "node:fs";
import { join } from "node:path";
import { codes } from "@portcullis/contracts";
import { expect, test } from "vitest";
import { listKeys, toVariable } from "../packages/server/src/config/read-settings.ts";
import { degradations } from "./support/fleet/degradation.ts";
import { casesPolicy, explainCases } from "./support/policy-cases.ts";
import { requirements } from "./support/requirements.ts";

// These pages are made from the tables that the server itself uses; `npx vitest run test/docs.test.ts -u` writes them anew.

const retries = { never: "no", later: "later", "after-change": "after a change" } as const;

test("docs/errors.md lists the codes of the table", async () => {
  const rows = Object.entries(codes).map(
    ([code, { http, jsonRpc, retry, summary }]) =>
      `| \`${code}\` | ${http} | ${jsonRpc} | ${retries[retry]} | ${summary} |`,
  );
  const page = [
    "# Codes",
    "",
    "Made from `packages/contracts/src/codes.ts`. A refusal of a call travels as `{ok: false, code, message, details, auditId}`: as a JSON-RPC",
    "`result` on the WebSocket, as a body with the status below on HTTP, and as a result with `isError` on MCP. A fault of the envelope is a",
    "JSON-RPC `error` with the number below, and `data.code` and `data.auditId`.",
    "",
    "| code | HTTP | JSON-RPC | send it again? | meaning |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "## What `details` holds",
    "| code | details |",
    "|---|---|",
    "| `PERMISSION_DENIED` | `scope` (the one that decided, or null), `reason`, `resource`, `smallestScope` (what would allow exactly this, or null), `next` |",
    "| `RATE_LIMITED` | `bucket`, `capacity`, `tokensLeft`, `retryAfterMs` |",
    "| `TURN_LIMIT` | `limit` (`turn` or `ceiling`), `calls`, `capacity`, `retryAfterMs`, `batch` (per tool: how many calls, `under` what, and what does the same at once, `instead`), `next` |",
    "| `VALIDATION_ERROR` | `at`, `errors` (path, keyword, message and params of each) |",
    "| `NOT_FOUND` | what was asked for; for a tool `nearest` |",
    "| `TOO_LARGE` | `bytes`, `limit`, `next` |",
    "| `UNAVAILABLE` | `reason` |",
    "",
  ];
  await expect(page.join("\n")).toMatchFileSnapshot("../docs/errors.md");
});

test("docs/configuration.md lists the keys of the schema", async () => {
  const rows = listKeys().map(({ path, schema }) => {
    const values = (schema as { enum?: readonly string[] }).enum?.join(" \\| ") ?? schema.type ?? "";
    return `| \`${path.join(".")}\` | \`${toVariable(path)}\` | ${values} | \`${JSON.stringify(schema.default)}\` | ${schema.description} |`;
  });
  const page = [
    "# Configuration",
    "",
    "Made from `packages/server/src/config/settings.ts`. One file, `portcullis.yaml` in the data folder (or `--config FILE`, or `PORTCULLIS_CONFIG`). Each key is",
    "an environment variable too, which beats the file; an option of the command line beats both. An unknown or invalid key is an error that names",
    "its place. Lists in a variable are a JSON array, or parted by commas (folders by the system's path delimiter, patterns by line ends).",
    "",
    "| key | variable | type | default | meaning |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "## Short names",
    "| variable | stands for |",
    "|---|---|",
    "| `PORT` | `port` |",
    "| `ALLOWED_DIR` | `folders` |",
    "| `REDACT_PATTERNS` | `redact.patterns` |",
    "| `MCP_TRANSPORT` | the command, when none is named: `stdio` is `portcullis stdio`; `http`, `streamable-http` and `sse` are `portcullis serve` |",
    "",
    "`PORTCULLIS_DATA` names the data folder (`--data`).",
    "",
  ];
  await expect(page.join("\n")).toMatchFileSnapshot("../docs/configuration.md");
});

test("docs/policy.md tells what the engine decides on its worked cases, and why", async () => {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("\n", " ");
  const rows = explainCases().map(
    ({ what, asked, decision, explanation }) =>
      `| ${cell(what)} | \`${asked}\` | ${decision === "allowed" ? "allowed" : `**${decision}**`} | ${cell(explanation)} |`,
  );
  const section = [
    "<!-- cases: made by test/docs.test.ts -->",
    "## Worked cases",
    "",
    "What the engine decides under this policy, and which scope and pattern decided. `duck@home` calls where nobody is named, with the purpose `plan-trip`, on",
    "2026-11-23; `/mnt/usb` is a disk on which letter case does not count.",
    "",
    "```yaml",
    casesPolicy.trimEnd(),
    "```",
    "",
    "| case | call | decision | explanation |",
    "|---|---|---|---|",
    ...rows,
    "<!-- /cases -->",
  ].join("\n");
  const page = readFileSync(join(import.meta.dirname, "../docs/policy.md"), "utf8");
  const made = page.replace(/<!-- cases: .*<!-- \/cases -->/s, () => section);
  expect(made).toContain(section);
  await expect(made).toMatchFileSnapshot("../docs/policy.md");
});

test("docs/operations.md tells what becomes of each concern while its engine is away, and what proves it", async () => {
  const rows = degradations.map(
    ({ concern, engines, meanwhile, afterwards, ready, proved }) =>
      `| ${concern} | ${engines} | ${meanwhile} | ${ready} | ${afterwards} | ${proved.map((id) => `${id}: ${requirements[id].says}`).join(" ")} |`,
  );
  const section = [
    "<!-- degradation: made by test/docs.test.ts -->",
    "| concern | kept by | while that is away | ready | when it is back | proved by |",
    "|---|---|---|---|---|---|",
    ...rows,
    "<!-- /degradation -->",
  ].join("\n");
  const page = readFileSync(join(import.meta.dirname, "../docs/operations.md"), "utf8");
  const made = page.replace(/<!-- degradation: .*<!-- \/degradation -->/s, () => section);
  expect(made).toContain(section);
  await expect(made).toMatchFileSnapshot("../docs/operations.md");
});
