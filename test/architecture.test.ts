import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import { beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const sources = ["packages/contracts/src", "packages/client/src", "packages/server/src"];
const server = "^packages/server/src";

type Rule = Extract<IForbiddenRuleType, { to: unknown }>;

const never = (name: string, from: string, to: Rule["to"]): Rule => ({
  name,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to,
});

const only = (name: string, folder: string, allowed: string): Rule =>
  never(name, `${server}/${folder}/`, { path: "^packages/server/src", pathNot: `${server}/(${allowed})` });

const rules: Rule[] = [
  never("contracts know no platform", "^packages/contracts/src", {
    pathNot: "^packages/contracts/src|node_modules/typebox",
  }),
  never("the client knows no platform", "^packages/client/src", { dependencyTypes: ["core"] }),
  only("policy is pure", "policy", "policy/"),
  never("policy does no I/O", `${server}/policy/`, {
    path: "^(fs|net|http|https|child_process|timers|worker_threads|dns|os)(/|$)",
    dependencyTypes: ["core"],
  }),
  only("flow is pure", "flow", "flow/"),
  never("flow does no I/O", `${server}/flow/`, { dependencyTypes: ["core"] }),
  only("redaction is pure", "redaction", "redaction/"),
  // Its threads scrub what would hold up the loop, and do nothing else.
  never("redaction does no I/O", `${server}/redaction/(?!scrub-(threads|worker)\\.ts)`, { dependencyTypes: ["core"] }),
  only(
    "the chat's engine knows a client and its model, no terminal and no store",
    "chat",
    "chat/|network/|config/read-sources\\.ts",
  ),
  never("the corridor knows no concrete part", `${server}/pipeline/`, {
    path: `${server}/(stores/(?!(store|flow-store|turn-counter|engine)\\.ts)|adapters/(?!adapter\\.ts)|transports|config|cli)`,
  }),
  never("what reads files opens none and knows no store or adapter", `${server}/(ingest|web-page|vault)/`, {
    path: `${server}/(stores/(?!store\\.ts)|adapters/(?!adapter\\.ts)|pipeline|transports|config|cli|identity)`,
  }),
  never("an adapter sees its port and no other", `${server}/adapters/([^/]+)/`, {
    path: `${server}/(adapters/(?!$1/|(adapter|search-source)\\.ts)|stores/(?!(message-)?store\\.ts)|pipeline|transports|policy|config|cli)`,
  }),
  never("an engine sees its ports and no other", `${server}/stores/([^/]+)/`, {
    path: "^packages/server/src",
    pathNot: `${server}/(stores/($1/|(oauth-|consent-|flow-|message-)?store\\.ts|(turn-counter|engine|audit-share|published-policy)\\.ts|data-folder)|audit/)`,
  }),
  never("transports meet the inside at the corridor alone", `${server}/transports/`, {
    path: "^packages/server/src",
    pathNot: `${server}/(transports/|pipeline/(corridor|arrival)\\.ts|version\\.ts)`,
  }),
  never(
    "only the assembly and the command line know every part",
    `${server}/(?!assemble|cli/|main|policy-reload)[^/]*`,
    { path: `${server}/(assemble|main|cli/(?!exit))` },
  ),
  never("nothing runs in circles", "^packages", {
    circular: true,
    viaOnly: { dependencyTypesNot: ["type-only"] },
  } as Rule["to"]),
];

let result: ICruiseResult;

beforeAll(async () => {
  const { output } = await cruise(
    sources,
    {
      baseDir: root,
      parser: "swc",
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules|dist" },
      exclude: { path: "dist/" },
      ruleSet: { forbidden: rules },
      validate: true,
    },
    { extensions: [".ts", ".js"], conditionNames: ["portcullis-source", "import", "node"], exportsFields: ["exports"] },
  );
  result = output as ICruiseResult;
}, 120_000);

test("the files were really read", () => {
  const read = new Set(result.modules.map(({ source }) => source));
  for (const folder of sources) {
    for (const file of filesOf(folder)) expect(read, file).toContain(file);
  }
  const edges = result.modules.flatMap(({ dependencies }) => dependencies);
  expect(edges.length).toBeGreaterThan(100);
});

test("imports run in the direction that the architecture says", () => {
  const broken = result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} \u2192 ${to}`);
  expect(broken).toEqual([]);
});

// An adapter that is checked apart from any server gets a stand-in.
test("a permit is made in one place", () => {
  const makers = filesOf("packages/server/src").filter((file) => /as (unknown as )?Permit\b/.test(read(file)));
  expect(makers).toEqual([
    "packages/server/src/adapters/conformance/check-adapter.ts",
    "packages/server/src/pipeline/authorize.ts",
  ]);
});

test("the environment is read in one place", () => {
  const readers = filesOf("packages/server/src").filter((file) => /process\.env\b/.test(read(file)));
  expect(readers).toEqual(["packages/server/src/config/environment.ts"]);
});

test("no source file is longer than 400 lines", () => {
  const inBrowsers = ["packages/console/src", "packages/userscript/src"];
  const long = [...sources.flatMap(filesOf), ...[...inBrowsers, "test", "bench"].flatMap(filesOf)].filter(
    (file) => read(file).split("\n").length > 401,
  );
  expect(long).toEqual([]);
});

/** What reaches out by other means than the guarded fetch, and whom it reaches. */
const ownWays: Readonly<Record<string, string>> = {
  "packages/server/src/cli/doctor.ts": "the server of its own data folder, at the address that it wrote there",
};

test("only the network's folder opens connections", () => {
  const clients =
    /^import (?!type)[^;]*from "(undici|node:https|node:http2|node:tls|node:dgram|node:dns(\/promises)?)"/m;
  const dials = /^import (?!type)[^;]*[{ ](connect|createConnection|request|get)\b[^;]*from "node:(net|http)"/m;
  const platform = /globalThis\.fetch\(|new (WebSocket|EventSource|XMLHttpRequest)\(/;
  const reaching = filesOf("packages/server/src").filter((file) => {
    if (file.includes("/network/")) return false;
    const text = read(file);
    // A `fetch` that is handed in, as the guarded one is, has a name in its file; the platform's has none.
    const handedIn = /[{(,]\s*fetch\s*[,}:=)]|(const|readonly) fetch\b/.test(text);
    const calls = !handedIn && /(await|return|[=(,>])\s*fetch\(/.test(text);
    return clients.test(text) || dials.test(text) || platform.test(text) || calls;
  });
  expect(reaching).toEqual(Object.keys(ownWays));
});

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|svelte)$/.test(file) && !file.endsWith(".test.ts") && !file.includes("node_modules"))
    .map((file) => `${folder}/${file}`)
    .sort();
}

const read = (file: string): string => readFileSync(join(root, file), "utf8");
