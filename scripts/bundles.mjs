// Builds what runs in browsers, when it has changed, and puts it where the server serves it from: the script for chatgpt.com, and the console.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, root, run } from "./setup.mjs";

const served = join(root, "packages", "server", "dist");

function stateOf(folder) {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => !/[\\/](node_modules|dist)[\\/]/.test(file.slice(folder.length)))
    .sort();
  for (const file of files) hash.update(`${file.slice(folder.length)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** Builds a package of that name into the server's `dist`, under the same name. Answers the exit code. */
export async function buildBundle(name) {
  const folder = join(root, "packages", name);
  const [built, place] = [join(folder, "dist"), join(served, name)];
  const stamp = join(root, "node_modules", ".cache", `${name}-built`);
  const state = stateOf(folder);
  if (!(existsSync(built) && existsSync(stamp) && readFileSync(stamp, "utf8") === state)) {
    const code = await run(bin("vite"), ["build", folder, "--config", join(folder, "vite.config.ts")]);
    if (code !== 0) return code;
  }
  rmSync(place, { recursive: true, force: true });
  cpSync(built, place, { recursive: true });
  mkdirSync(join(stamp, ".."), { recursive: true });
  writeFileSync(stamp, state);
  return 0;
}
