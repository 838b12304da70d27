// Installs the clients that the tests drive (Codex CLI, Claude Code, MCP Inspector, the conformance suite): they are large and under licences
// of their own, so they are kept apart from the project's packages. Without them the tests that need them say why they are skipped.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, findNode, root, say } from "./setup.mjs";

export const clientsFolder = join(root, "test", "clients");

const stamp = join(clientsFolder, "node_modules", ".portcullis-installed");
const reason = join(clientsFolder, ".unavailable");

/** True when the clients are there, else the reason is printed and kept for the tests to show. */
export function installTestClients() {
  const lock = createHash("sha256")
    .update(readFileSync(join(clientsFolder, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return true;
  if (process.platform !== "linux" && process.platform !== "darwin")
    return unavailable(`The test clients are not run on ${process.platform}.`);
  say(
    "Installing the clients that the tests drive (Codex, Claude Code, Inspector, conformance suite; about 900 MB) \u2026",
  );
  const started = Date.now();
  const npm = process.env.npm_execpath?.endsWith(".js") ? [findNode(), process.env.npm_execpath] : ["npm"];
  const [command, ...first] = npm;
  // Their install scripts only copy binaries that are run in place here.
  const args = [...first, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(command, args, {
    cwd: clientsFolder,
    stdio: ["ignore", 2, 2],
    env: environment(),
    timeout: 15 * 60_000,
  });
  if (result.status !== 0) {
    return unavailable(
      `npm ci failed in test/clients (exit ${result.status ?? result.signal ?? result.error?.code}); is the npm registry reachable?`,
    );
  }
  rmSync(reason, { force: true });
  writeFileSync(stamp, lock);
  say(`Installed them in ${Math.round((Date.now() - started) / 1000)} s.`);
  return true;
}

function unavailable(text) {
  say(`${text} The tests with real clients will be skipped.`);
  writeFileSync(reason, text);
  return false;
}

if (
  process.argv[1] &&
  dirname(process.argv[1]) === dirname(fileURLToPath(import.meta.url)) &&
  process.argv[1].endsWith("install-test-clients.mjs")
) {
  installTestClients();
}
