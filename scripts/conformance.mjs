// `npm run conformance`: the official MCP conformance suite against our transport, with the fixtures that the suite calls by name.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { clientsFolder, installTestClients } from "./install-test-clients.mjs";
import { bin, environment, findNode, giveUp, install, root, say } from "./setup.mjs";

/** Extensions of the protocol that this server does not announce, by the names of their scenarios. */
const notAnnounced = [{ extension: "io.modelcontextprotocol/tasks", scenarios: /^tasks-/ }];

const runs = [
  ["--requirements", "2025-11-25"],
  ["--requirements", "2026-07-28"],
  ["--suite", "all"],
];
const deadline = 5 * 60_000;

install(root, "packages");
if (!installTestClients()) giveUp("The conformance suite is not installed.");
const suite = bin("@modelcontextprotocol/conformance", "conformance", clientsFolder);

const server = spawn(findNode(), ["--conditions=portcullis-source", "test/conformance/mcp/serve-fixtures.ts"], {
  cwd: root,
  env: environment(),
  stdio: ["ignore", "pipe", "inherit"],
});
const url = await new Promise((resolve) => {
  const timer = setTimeout(() => giveUp("The fixture server did not start within 30 s."), 30_000);
  server.once("exit", (code) => giveUp(`The fixture server ended with ${code}.`));
  createInterface(server.stdout).once("line", (line) => {
    clearTimeout(timer);
    resolve(JSON.parse(line).mcp);
  });
});

let failed = 0;
const skipped = new Set();
const rows = [];
for (const args of runs) {
  const name = args.join(" ").replace("--requirements ", "").replace("--suite ", "suite ");
  say(`Running the conformance suite: ${name} \u2026`);
  const { output, code } = await runSuite(["server", "--url", url, ...args]);
  const row = read(output);
  if (row.scenarios === 0) {
    process.stderr.write(output.slice(-4_000));
    giveUp(`The suite reported nothing (exit ${code}).`);
  }
  rows.push({ run: name, ...row });
  failed += row.failed;
  for (const line of row.failures) process.stdout.write(`  \u2717 ${name}: ${line}\n`);
}
server.removeAllListeners("exit");
server.kill();

say("Running the conformance suite: authorization \u2026");
rows.push({ run: "authorization", ...(await runAuthorization()) });
failed += rows.at(-1)?.failed ?? 0;

process.stdout.write(
  `\n${"run".padEnd(14)}${"scenarios".padStart(10)}${"passed".padStart(9)}${"failed".padStart(9)}\n`,
);
for (const { run, scenarios, passed, failed: bad } of rows) {
  process.stdout.write(
    `${run.padEnd(14)}${String(scenarios).padStart(10)}${String(passed).padStart(9)}${String(bad).padStart(9)}\n`,
  );
}
for (const { extension, scenarios } of notAnnounced) {
  const names = [...skipped].filter((name) => scenarios.test(name));
  process.stdout.write(`\nNot announced, so not counted: ${extension} (${names.join(", ")})\n`);
}
process.exit(failed === 0 ? 0 : 1);

/** Adds up the lines of a run's summary: `✓ ping: 2 passed, 0 failed`. */
function read(output) {
  const row = { scenarios: 0, passed: 0, failed: 0, failures: [] };
  for (const [line, name, passed, bad] of output.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm)) {
    if (notAnnounced.some(({ scenarios }) => scenarios.test(name))) {
      skipped.add(name);
      continue;
    }
    row.scenarios += 1;
    row.passed += Number(passed);
    row.failed += Number(bad);
    if (bad !== "0") row.failures.push(line.trim());
  }
  return row;
}

/** The suite's scenarios for authorization servers want somebody who consents in a browser: a test of ours is that person. */
async function runAuthorization() {
  const args = ["run", "test/e2e/oauth-clients.test.ts", "-t", "official conformance suite", "--reporter=verbose"];
  const built = await runNode(bin("typescript", "tsc"), ["-b"], root);
  if (built.code !== 0) giveUp(`The server could not be built:\n${built.output}`);
  const { output, code } = await runNode(bin("vitest", "vitest"), args, root);
  const row = read(output);
  if (row.scenarios === 0 || code !== 0) {
    process.stderr.write(output.slice(-4_000));
    giveUp(`The suite's authorization scenarios reported nothing good (exit ${code}).`);
  }
  return row;
}

function runSuite(args) {
  return runNode(suite, args, clientsFolder);
}

function runNode(script, args, cwd) {
  const child = spawn(findNode(), [script, ...args], {
    cwd,
    env: { ...environment(), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), deadline);
  return new Promise((resolve) => {
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ output, code });
    });
  });
}
